"""What each move does in a world: the requests of the learner, and the pages of the browsers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, assert_never
from urllib.parse import urlencode

from msgspec.structs import replace

from authlens_core.emulator.parties.victim import REDIRECTOR
from authlens_core.learning.moves import (
    CallMove,
    DeliverMove,
    DeviceStartMove,
    LinkMove,
    LoginMove,
    LureMove,
    PollMove,
    PublishMove,
    RedeemMove,
    RefreshMove,
    RevokeMove,
    WorldMove,
)
from authlens_core.learning.world import MALLORY, SECOND, YOU, World
from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.formats.form import FormPair
from authlens_core.oauth.mcp import resource_request
from authlens_core.oauth.pkce import code_challenge
from authlens_core.oauth.revocation import revocation_request
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Exchange, Headers, Purpose, Request
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url, parse_url

_INTERVAL: Final = 6.0  # seconds between two polls, also after a slow_down
_OTHER_SITE: Final = "https://other-site.example/"


async def perform(move: WorldMove, world: World) -> None:
    """Make a move; what comes of it is in the world.

    It is of the seat of the world. A login is your own, and a page is opened by whose browser it is.

    Raises:
        LookupError: it takes a party that is not in this world, or a credential that is not held here;
            nothing was sent.
    """
    match move:
        case LoginMove():
            await world.log_in(scope=move.scope, device=move.device)
        case PublishMove():
            await _publish(move, world)
        case RedeemMove():
            await _redeem(move, world)
        case CallMove():
            await _call(move, world)
        case RefreshMove():
            await _refresh(move, world)
        case RevokeMove():
            token, endpoint = Secret(world.own_refresh_token), _url(f"{world.emulator.issuer}/revoke")
            request = revocation_request(endpoint, world.own_client, token=token, hint="refresh_token")
            done = "revoke the refresh token of your login"
            await world.send(request, Purpose.REVOKE_REFRESH_TOKEN, done, YOU)
        case DeviceStartMove():
            await _start_device(world)
        case PollMove():
            world.skipped += _INTERVAL
            code = Secret(world.loot[move.device[1:]])
            pairs = (("grant_type", GrantType.DEVICE_CODE.value), ("device_code", code))
            done = "ask for the tokens of a device login"
            world.loot |= await _tokens(world, world.own_client, pairs, Purpose.DEVICE_TOKEN, done)
        case _:
            await _have_opened(move, world)


async def _tokens(
    world: World, client: Client, pairs: Sequence[FormPair], purpose: Purpose, done: str, seat: str = ""
) -> dict[str, str]:
    """Send a token request, and return the tokens of its answer by the names of loot."""
    request = form_request(_url(f"{world.emulator.issuer}/token"), client, pairs)
    given = _members(await world.send(request, purpose, done, seat))
    names = (("token", "access_token"), ("refresh", "refresh_token"))
    tokens = {name: given.get(member) for name, member in names}
    return {name: token for name, token in tokens.items() if isinstance(token, str)}


def _members(exchange: Exchange) -> Mapping[str, object]:
    """Return the members of an answer that grants something."""
    answer = exchange.answer
    return object_in(answer.body.reveal()) if answer is not None and answer.status == 200 else {}


async def _publish(move: PublishMove, world: World) -> None:
    """Put a lie into a document; a hosted client reads it once, and the next lie takes its place."""
    if world.hosted is None:
        world.standard.publish(move.field, _OTHER_SITE)
        return
    world.standard.publish(move.field, f"{world.hosted.url}/admin" if move.value == "inside" else _OTHER_SITE)
    await world.hosted.discover(world.emulator.resource_url)
    world.standard.publish_the_truth()


async def _start_device(world: World) -> None:
    client_id, _ = world.emulator.register_client("http://127.0.0.1/")
    world.own_client = Client(client_id, "")
    endpoint = _url(f"{world.emulator.issuer}/device_authorization")
    request = form_request(endpoint, world.own_client, [("scope", "read")])
    given = _members(await world.send(request, Purpose.DEVICE_AUTHORIZATION, "start a device login"))
    if isinstance(code := given.get("device_code"), str):
        world.loot["device"] = code
        world.device_page = str(given.get("verification_uri_complete", ""))


async def _have_opened(move: DeliverMove | LureMove | LinkMove, world: World) -> None:
    """Have a user's browser open what Mallory wants it to."""
    match move:
        case DeliverMove():
            await world.open(move.to, world.loot[move.callback[1:]])
        case LureMove():
            await _lure(move, world)
        case LinkMove():
            await _link(move, world)
        case _:
            assert_never(move)


async def _lure(move: LureMove, world: World) -> None:
    if move.code:
        await world.open(move.to, world.device_page)
        return
    website, rogue = world.website(), world.site_of_mallory()
    rogue.client_id, rogue.redirect_uri = await website.client_id(), website.redirect_uri
    await world.open(move.to, f"{website.sign_in_url}?at={move.at}")
    world.loot |= rogue.caught


async def _link(move: LinkMove, world: World) -> None:
    website, site = world.website(), world.site_of_mallory()
    site.client_id = await website.client_id()
    to_mallory = f"{REDIRECTOR}?{urlencode({'to': site.collect_url})}"
    world.linked_uri = website.redirect_uri + (to_mallory if move.redirect_uri != "registered" else "")
    asked = {
        "response_type": "code",
        "client_id": site.client_id,
        "redirect_uri": world.linked_uri,
        "scope": "read",
        "code_challenge": code_challenge(world.link_verifier),
        "code_challenge_method": "S256",
    }
    await world.open(move.to, f"{world.emulator.issuer}/authorize?{urlencode(asked)}")
    world.loot |= site.caught


async def _redeem(move: RedeemMove, world: World) -> None:
    own = world.redirect_uri
    redirect_uri = {"registered": own, "linked": world.linked_uri, "other": f"{own}/other"}[move.redirect_uri]
    known = {
        "none": "",
        "wrong": secrets.token_urlsafe(32),
        "mine": world.link_verifier,
        "$verifier": world.loot.get("verifier", ""),
    }
    pairs = (
        ("grant_type", "authorization_code"),
        ("code", Secret(world.loot[move.code[1:]])),
        ("redirect_uri", redirect_uri),
        ("code_verifier", Secret(known[move.verifier])),
    )
    client = Client(client_id=world.loot["client"], redirect_uri=redirect_uri)
    world.loot |= await _tokens(world, client, pairs, Purpose.TOKEN, "redeem another user's code")


async def _refresh(move: RefreshMove, world: World) -> None:
    """What Mallory gets is hers; you hold what you got, and what leaked stays what it was."""
    token = world.loot["refresh"] if move.by == MALLORY else world.own_refresh_token
    pairs = (("grant_type", "refresh_token"), ("refresh_token", Secret(token)))
    done = "refresh the tokens of your login"
    tokens = await _tokens(world, world.own_client, pairs, Purpose.REFRESH, done, move.by)
    if move.by == YOU:
        world.own_refresh_token = tokens.get("refresh", token)
    world.loot |= {name: value for name, value in tokens.items() if name == "token"}


async def _call(move: CallMove, world: World) -> None:
    token = Secret(world.loot[move.token[1:]])
    at_second = world.second if move.at == SECOND else None
    url = world.emulator.resource_url if at_second is None else f"{at_second.url}/"
    done = f"call the resource with {move.token}"
    await world.send(_with(url, "Bearer", token), Purpose.ACCESS, done)
    if (proof := world.loot.get("proof")) is None:
        return
    # A thief who has a proof tries the token in each way: without it, and with it.
    bound = _with(url, "DPoP", token)
    await world.send(bound, Purpose.ACCESS, f"{done} as DPoP, without a proof")
    headers = Headers.of((*bound.headers.fields, ("DPoP", proof)))
    await world.send(replace(bound, headers=headers), Purpose.ACCESS, f"{done} as DPoP, with $proof")


def _with(url: str, token_type: str, token: Secret) -> Request:
    return resource_request(_url(url), authorization=authorization_field(token_type, token))


def _url(text: str) -> Url:
    return parse_url(text, loopback_http=True)
