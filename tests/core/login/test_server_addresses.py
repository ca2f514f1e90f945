"""A stranger's address in each place that may hold one: asked by a check that names both, or never opened."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from authlens_core.trace.record import Outcome, StageRecord
from authlens_core.values.exchange import Response
from authlens_core.values.login_options import Options
from authlens_core.values.stage import GrantType
from server_addresses import SERVER_ADDRESSES, AddressRule, AddressSource, ServerAddress
from support.driven_login import closed_login, login_to
from support.scripted_login import (
    ISSUER,
    METADATA,
    RESOURCE,
    Answer,
    ScriptedSender,
    come_back,
    honest,
    reply,
    server_document,
)

STRANGER = "https://stranger.example/x"
CODES = {
    "device_code": "d",
    "user_code": "WDJB-MJHT",
    "verification_uri": f"{ISSUER}/device",
    "expires_in": 9,
}
Script = dict[str, Answer | list[Answer]]
Plant = Callable[[Script, str], None]
DEVICE, PAR, TOKEN = (f"POST {ISSUER}/{name}" for name in ("device_authorization", "par", "token"))
SERVER = f"GET {ISSUER}/.well-known/oauth-authorization-server"


def _changed(script: Script, key: str, name: str, value: object) -> None:
    answer = script[key]
    assert isinstance(answer, Response)
    document = {**json.loads(answer.body.reveal()), name: value}
    if name == "verification_url":
        del document["verification_uri"]  # the draft's name counts only without it
    # The sender writes the redirect URI into an honest 201.
    script[key] = reply(200 if name == "redirect_uris" else answer.status, document)


def _member(key: str) -> Plant:
    def plant(script: Script, name: str) -> None:
        listed = name in ("authorization_servers", "redirect_uris", "protected_resources")
        _changed(script, key, name, [STRANGER] if listed else STRANGER)

    return plant


def _refused_with(*fields: tuple[str, str], document: object = None) -> list[Answer]:
    return [reply(401, document, *fields), reply(200, text="welcome")]


def _challenge(script: Script, name: str) -> None:
    first = "" if name == "resource_metadata" else f'resource_metadata="{METADATA}", '
    script[f"GET {RESOURCE}"] = _refused_with(("WWW-Authenticate", f'Bearer {first}{name}="{STRANGER}"'))


def _field(script: Script, name: str) -> None:
    challenge = ("WWW-Authenticate", f'Bearer resource_metadata="{METADATA}"')
    script[f"GET {RESOURCE}"] = _refused_with(challenge, (name, STRANGER))


def _refusal(script: Script, name: str) -> None:
    script[f"GET {RESOURCE}"] = _refused_with(document={name: STRANGER})


def _error(script: Script, name: str) -> None:
    script[TOKEN] = reply(400, {"error": "invalid_grant", name: STRANGER})


def _jwt(script: Script, name: str) -> None:
    claims = {"iss": ISSUER, "aud": "client-1", "exp": int(time.time()) + 300}
    head: dict[str, object] = {"alg": "ES256"}
    (claims if name == "iss" else head)[name] = STRANGER
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in (head, claims)]
    _changed(script, TOKEN, "id_token", f"{'.'.join(part.rstrip('=') for part in parts)}.c2lnbmF0dXJl")


PLANTS: dict[AddressSource, Plant] = {
    AddressSource.CHALLENGE: _challenge,
    AddressSource.FIELD: _field,
    AddressSource.REFUSAL: _refusal,
    AddressSource.RESOURCE_METADATA: _member(f"GET {METADATA}"),
    AddressSource.SERVER_METADATA: _member(SERVER),
    AddressSource.REGISTRATION: _member(f"POST {ISSUER}/register"),
    AddressSource.PUSHED: _member(PAR),
    AddressSource.DEVICE: _member(DEVICE),
    AddressSource.TOKENS: _member(TOKEN),
    AddressSource.ERROR: _error,
    AddressSource.JWT: _jwt,
}
# Another program's output has its own tests, and a callback brings no answer of a server.
ELSEWHERE = {AddressSource.CLOUDFLARED, AddressSource.CALLBACK}


def _sender(address: ServerAddress) -> ScriptedSender:
    par = {"pushed_authorization_request_endpoint": f"{ISSUER}/par"}
    endpoints = {
        "device_authorization_endpoint": f"{ISSUER}/device_authorization",
        **(par if address.source is AddressSource.PUSHED else {}),
    }
    script: Script = dict(honest(server=reply(200, server_document(**endpoints))))
    script[DEVICE] = reply(200, CODES)
    script[PAR] = reply(201, {"request_uri": "urn:x", "expires_in": 60})
    PLANTS[address.source](script, address.name)
    return ScriptedSender(script)


async def _logged_in(address: ServerAddress, sender: ScriptedSender) -> tuple[StageRecord, str]:
    """Return the last record, and everything that was approved on the way, which is nothing."""
    device = address.source is AddressSource.DEVICE
    grant_type = GrantType.DEVICE_CODE if device else GrantType.AUTHORIZATION_CODE
    scope = "openid" if address.source is AddressSource.JWT else None
    options = Options(port=0, wait=2, grant_type=grant_type, scope=scope)
    shown = ""
    async with login_to(sender, options=options) as login:
        if address.source is AddressSource.CALLBACK:
            login.watch(come_back(login, f"code=c&{address.name}={STRANGER}"))
        elif address.source is not AddressSource.PUSHED:
            login.watch(come_back(login))
        record = (await login.run_all()).records[-1]
        shown = login.facts.authorization_url or ""
    return record, shown


def _stranger_was_asked(sender: ScriptedSender) -> list[str]:
    # It may be named in a request, as an issuer's host or a reference; a request may not go to it.
    return [line for line in sender.lines() if line.split()[1].startswith("https://stranger.example")]


@pytest.mark.parametrize(
    "address",
    [one for one in SERVER_ADDRESSES if one.source not in ELSEWHERE and one.rule is not AddressRule.CHOSEN],
    ids=lambda one: f"{one.source}: {one.name}",
)
async def test_a_strangers_address_is_not_opened_without_a_yes(address: ServerAddress) -> None:
    """H420, H425, DG-10."""
    sender = _sender(address)
    record, link = await _logged_in(address, sender)
    assert _stranger_was_asked(sender) == []
    assert not link.startswith("https://stranger.example")
    if address.rule is not AddressRule.ASKED:
        return
    assert record.outcome is Outcome.FAILED
    [check] = record.failures
    assert (check.name, check.overridable) == (address.check, True)
    if address.source is not AddressSource.TOKENS:
        home = "app.example" if address.source is AddressSource.CHALLENGE else "as.example"
        assert "stranger.example" in str(check.cure)
        assert home in str(check.cure)


@pytest.mark.parametrize(
    ("source", "name", "failing"),
    [
        (one.source, one.name, one.check)
        for one in SERVER_ADDRESSES
        if one.rule is AddressRule.COMPARED and one.check and one.source not in ELSEWHERE
    ],
)
async def test_a_strangers_address_that_is_compared_stops_the_login(
    source: AddressSource, name: str, failing: str
) -> None:
    address = next(one for one in SERVER_ADDRESSES if (one.source, one.name) == (source, name))
    record, _ = await _logged_in(address, _sender(address))
    assert failing in {check.name for check in record.failures}


async def test_a_login_page_of_a_stranger_is_asked_about_although_the_token_endpoint_was_approved() -> None:
    """H043: the yes was for the token endpoint and the issuer; the code would come from a third site."""
    endpoints: dict[str, Any] = {
        "authorization_endpoint": "https://honest.example/authorize",
        "token_endpoint": "https://evil.example/token",
    }
    sender = ScriptedSender(honest(server=reply(200, server_document(**endpoints))))
    async with login_to(sender) as login:
        record = (await login.run_all()).records[-1]
        names = [check.name for check in record.failures]
        assert names == ["server.token_endpoint_host", "server.endpoints_site"]
        again = await login.override("server.token_endpoint_host")
    assert again is not None
    [check] = again.failures
    assert "honest.example" in str(check.cure)
    assert "evil.example" in str(check.cure)


async def test_the_same_two_hosts_are_asked_about_once() -> None:
    sender = ScriptedSender(
        honest(server=reply(200, server_document(token_endpoint="https://t.example/token")))
    )
    record = (await closed_login(sender)).trace.records[-1]
    assert [check.name for check in record.failures] == ["server.token_endpoint_host"]
