"""What each move does in a world: the requests of the learner, and the pages of the browsers."""

from __future__ import annotations

import secrets
from typing import Final, assert_never

from authlens_core.grammars.json_document import object_in
from authlens_core.learning.moves import CallMove, DeliverMove, LoginMove, PublishMove, RedeemMove
from authlens_core.learning.world import World
from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.formats.form import FormPair
from authlens_core.oauth.resource_request import authorization_field, resource_request
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import Secret
from authlens_core.values.url import Url, parse_url

WorldMove = LoginMove | PublishMove | RedeemMove | CallMove | DeliverMove
"""The moves that happen in a world; the others say something about it."""
_OTHER_SITE: Final = "https://other-site.example/"


async def perform(move: WorldMove, world: World, seat: str) -> None:
    """Make a move; what comes of it is in the world.

    Args:
        seat: whose it is. A login is your own, and a page is opened by whose browser it is.

    Raises:
        KeyError: the credential that it names is not held here.
    """
    match move:
        case LoginMove():
            await world.log_in()
        case PublishMove():
            world.emulator.publish(move.field, _OTHER_SITE)
        case RedeemMove():
            await _redeem(move, world, seat)
        case CallMove():
            await _call(move, world, seat)
        case DeliverMove():
            await world.open(move.to, world.loot[move.callback[1:]])
        case _:
            assert_never(move)


async def _redeem(move: RedeemMove, world: World, seat: str) -> None:
    code = Secret(world.loot[move.code[1:]])
    own = world.redirect_uri
    redirect_uri = own if move.redirect_uri == "registered" else f"{own}/other"
    client = Client(client_id=world.loot["client"], redirect_uri=redirect_uri)
    verifier = Secret(secrets.token_urlsafe(32) if move.verifier == "wrong" else "")
    pairs: list[FormPair] = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
    ]
    endpoint = _url(f"{world.emulator.issuer}/token")
    request = form_request(endpoint, client, pairs)
    exchange = await world.send(seat, request, Purpose.TOKEN, "redeem another user's code")
    answer = exchange.answer
    if answer is not None and answer.status == 200:
        given = object_in(answer.body.reveal())
        for name, member in (("token", "access_token"), ("refresh", "refresh_token")):
            if isinstance(value := given.get(member), str):
                world.loot[name] = value


async def _call(move: CallMove, world: World, seat: str) -> None:
    token = Secret(world.loot[move.token[1:]])
    request = resource_request(
        _url(world.emulator.resource_url), authorization=authorization_field("Bearer", token)
    )
    await world.send(seat, request, Purpose.ACCESS, f"call the resource with {move.token}")


def _url(text: str) -> Url:
    return parse_url(text, loopback_http=True)
