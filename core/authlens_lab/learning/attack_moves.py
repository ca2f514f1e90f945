"""What each move does in a world: the requests of the learner, and the pages of the browsers.

A move is of the seat of the world. A login is your own, and a page is opened by whose browser it is.
What takes a party that is not in this world raises LookupError, and sends nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from msgspec.structs import replace

from authlens_core.oauth.client_authentication import Client, form_request
from authlens_core.oauth.mcp import resource_request
from authlens_core.oauth.pkce import code_challenge
from authlens_core.oauth.revocation import revocation_request
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Exchange, Headers, Purpose
from authlens_core.values.formats.form import FormPair
from authlens_core.values.formats.json_document import object_in
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_core.values.url import Url, parse_url
from authlens_lab.emulator.parties.victim import REDIRECTOR
from authlens_lab.emulator.weakness import PublishedMember
from authlens_lab.learning.world import MALLORY, YOU, World

_INTERVAL: Final = 6.0  # seconds between two polls, also after a slow_down
_OTHER_SITE: Final = "https://other-site.example/"
_LOOT: Final = (("token", "access_token"), ("refresh", "refresh_token"), ("device", "device_code"))

Arguments = Mapping[str, str]


async def login(move: Arguments, world: World) -> None:
    await world.log_in(scope=move["scope"], device=move["device"] == "true")


async def publish(move: Arguments, world: World) -> None:
    """Put a lie into a document; a hosted client reads it once, and the next lie takes its place."""
    member = PublishedMember(move["field"])
    hosted = world.hosted
    if hosted is None:
        world.emulator.lesson.publish(member, _OTHER_SITE)
        return
    world.emulator.lesson.publish(member, f"{hosted.url}/admin" if move["value"] == "inside" else _OTHER_SITE)
    await hosted.discover(world.emulator.resource_url)
    world.emulator.lesson.publish_the_truth()


async def redeem(move: Arguments, world: World) -> None:
    registered_uri = world.redirect_uri
    uris = {"registered": registered_uri, "linked": world.linked_uri, "other": f"{registered_uri}/other"}
    verifiers = {
        "none": "",
        "wrong": secrets.token_urlsafe(32),
        "mine": world.link_verifier,
        "$verifier": world.loot.get("verifier", ""),
    }
    redirect_uri = uris[move["redirect_uri"]]
    pairs = (
        ("grant_type", "authorization_code"),
        ("code", _credential(world, move["code"])),
        ("redirect_uri", redirect_uri),
        ("code_verifier", Secret(verifiers[move["verifier"]])),
    )
    client = Client(client_id=world.loot["client"], redirect_uri=redirect_uri)
    summary = "redeem another user's code"
    world.loot |= await _request_tokens(world, client, pairs, purpose=Purpose.TOKEN, summary=summary)


async def call(move: Arguments, world: World) -> None:
    token = _credential(world, move["token"])
    name = move["token"]
    at_second = world.second if move["at"] == "second" else None
    url = _url(world.emulator.resource_url if at_second is None else f"{at_second.url}/")
    summary = f"call the resource with {name}"
    bearer, bound = (
        resource_request(url, authorization=authorization_field(kind, token)) for kind in ("Bearer", "DPoP")
    )
    await world.send(bearer, Purpose.ACCESS, summary)
    if (proof := world.loot.get("proof")) is not None:
        # A thief who has a proof tries the token in each way: without it, and with it.
        await world.send(bound, Purpose.ACCESS, f"{summary} as DPoP, without a proof")
        headers = Headers.of((*bound.headers.fields, ("DPoP", proof)))
        await world.send(replace(bound, headers=headers), Purpose.ACCESS, f"{summary} as DPoP, with $proof")


async def refresh(move: Arguments, world: World) -> None:
    """Refresh for one seat: Mallory's new tokens are hers, and yours do not change what leaked."""
    token = world.loot["refresh"] if move["by"] == MALLORY else world.own_refresh_token
    pairs = (("grant_type", "refresh_token"), ("refresh_token", Secret(token)))
    summary = "refresh the tokens of your login"
    tokens = await _request_tokens(
        world, world.own_client, pairs, purpose=Purpose.REFRESH, summary=summary, seat=move["by"]
    )
    new = tokens.pop("refresh", token)
    if move["by"] == YOU:
        world.own_refresh_token = new
    world.loot |= tokens


async def revoke(_: Arguments, world: World) -> None:
    request = revocation_request(
        _url(f"{world.emulator.issuer}/revoke"),
        world.own_client,
        token=Secret(world.own_refresh_token),
        hint="refresh_token",
    )
    await world.send(request, Purpose.REVOKE_REFRESH_TOKEN, "revoke the refresh token of your login", YOU)


async def device_start(_: Arguments, world: World) -> None:
    client_id, _secret = world.emulator.register_client("http://127.0.0.1/")
    world.own_client = Client(client_id, "")
    endpoint = _url(f"{world.emulator.issuer}/device_authorization")
    request = form_request(endpoint, world.own_client, [("scope", "read")])
    answer = await world.send(request, Purpose.DEVICE_AUTHORIZATION, "start a device login")
    world.loot |= _loot(answer)
    world.device_page = str(_members(answer).get("verification_uri_complete", ""))


async def poll(move: Arguments, world: World) -> None:
    world.skipped += _INTERVAL
    pairs = (("grant_type", GrantType.DEVICE_CODE.value), ("device_code", _credential(world, move["device"])))
    summary = "ask for the tokens of a device login"
    purpose = Purpose.DEVICE_TOKEN
    world.loot |= await _request_tokens(world, world.own_client, pairs, purpose=purpose, summary=summary)


async def deliver(move: Arguments, world: World) -> None:
    await world.open(move["to"], world.loot[move["callback"][1:]])


async def lure(move: Arguments, world: World) -> None:
    if move["code"]:
        await world.open(move["to"], world.device_page)
        return
    website = world.website()
    rogue = world.site_of_mallory()
    rogue.client_id, rogue.redirect_uri = await website.client_id(), website.redirect_uri
    await world.open(move["to"], f"{website.sign_in_url}?at={move['at']}")
    world.loot |= rogue.caught


async def link(move: Arguments, world: World) -> None:
    website = world.website()
    site = world.site_of_mallory()
    site.client_id = await website.client_id()
    to_mallory = f"{REDIRECTOR}?{urlencode({'to': site.collect_url})}"
    world.linked_uri = website.redirect_uri + (to_mallory if move["redirect_uri"] != "registered" else "")
    parameters = {
        "response_type": "code",
        "client_id": site.client_id,
        "redirect_uri": world.linked_uri,
        "scope": "read",
        "code_challenge": code_challenge(world.link_verifier),
        "code_challenge_method": "S256",
    }
    await world.open(move["to"], f"{world.emulator.issuer}/authorize?{urlencode(parameters)}")
    world.loot |= site.caught


async def _request_tokens(
    world: World, client: Client, pairs: Sequence[FormPair], *, purpose: Purpose, summary: str, seat: str = ""
) -> dict[str, str]:
    """Send a token request, and return the tokens of its answer by the names of loot."""
    request = form_request(_url(f"{world.emulator.issuer}/token"), client, pairs)
    return _loot(await world.send(request, purpose, summary, seat))


def _loot(exchange: Exchange) -> dict[str, str]:
    granted = _members(exchange)
    return {name: str(granted[member]) for name, member in _LOOT if member in granted}


def _members(exchange: Exchange) -> Mapping[str, object]:
    """Return the members of an answer that grants something."""
    answer = exchange.complete_response
    return object_in(answer.body.reveal()) if answer is not None and answer.status == 200 else {}


def _credential(world: World, name: str) -> Secret:
    return Secret(world.loot[name[1:]])


def _url(text: str) -> Url:
    return parse_url(text, loopback_http=True)
