"""Logins under every fault of the emulator, walked to their end once and kept for every test that asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.inventory import inventory_of
from authlens_core.credentials.lifecycle.refresh import RefreshOptions, refresh
from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.lifecycle import probe
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.trace.record import StageRecord
from authlens_core.values.check import Diagnosis
from authlens_core.values.exchange import Exchange, Purpose, Request
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import METADATA, Limits
from authlens_lab.emulator import Emulator, Fault, PlayResult, play_person
from authlens_lab.learning.desk.drill_world import DrillWorld
from support.waiting import PATIENCE

# fault | what happened | what to do | what shows it. Where nothing is to be cured, the last three are empty.
_TABLE: Final = """
no-www-authenticate | no metadata at the well-known URLs | turn on Managed OAuth | HTTP/1.1 404 Not Found
challenge-without-metadata | does not say where its metadata | resource_metadata=… | www-authenticate: Bearer
post-only | | |
oauth-off | Managed OAuth is off for this application | Advanced settings → Managed OAuth | HTTP/1.1 302 Found
service-auth-only | accepts only service tokens | authlens service-token add | cf-access-aud:
public | It responds without a login | tell its owner | HTTP/1.1 200 OK
browser-integrity | Browser Integrity Check of the zone banned | Configuration Rules | 1010
challenge-page | a challenge page | action Skip | cf-mitigated: challenge
waf-rule | blocked the request before Access saw it | action Skip | 1020
no-application | has no Access application | Add an application | 1043
origin-unreachable | cannot reach the server behind it | start the origin or its tunnel | HTTP/1.1 522
slow | still waiting for 127.0.0.1 | check before you send it again | timeout failure: GET
hostile-text | no readable WWW-Authenticate | ask the owner to send WWW-Authenticate | a control character
resource-mismatch | describes another resource | "resource" in the metadata | "resource": "https://elsewhere.example"
bare-issuer | | |
wrong-issuer | names another issuer | Ask the owner to make issuer | "issuer": "https://elsewhere.example"
no-registration-endpoint | has no registration_endpoint | --client-id | no "registration_endpoint" in it
no-revocation-endpoint | | |
none-not-advertised | does not list “none” | allow public clients | "token_endpoint_auth_methods_supported":
s256-not-advertised | does not list PKCE | support S256 | "code_challenge_methods_supported": ["plain"]
redirect-uri-refused | does not allow the redirect URI | Allow localhost clients | "error": "invalid_
redirect-uri-refused-at-authorization | does not allow the redirect URI | Allowed redirect URIs | error=
localhost-refused | The redirect URI sent was http://localhost: | --redirect-host 127.0.0.1 | HTTP/1.1 400
settings-not-live | does not allow the redirect URI | takes about a minute | HTTP/1.1 400
resource-refused | not issue tokens for the resource in the request | Ask the owner | error=invalid_target
pkce-first-character | | |
pkce-refused | misread the code challenge | starts with a letter or a digit | must be S256
denied-user | That account does not have access | sign in again with the right account | nothing at
invalid-nonce | Invalid nonce | cdn-cgi/access/logout | nothing at
application-not-found | Unable to find your Access application! | cdn-cgi/access/logout | nothing at
access-denied | The login was refused | another account | error=access_denied
wrong-state | The browser did not return | Check the browser | 1 other request ignored
iss-mismatch | does not name the server | Do not trust | iss=https://elsewhere.example
port-taken | Another program uses the callback port | use another port | Port 8400 on this machine is in use
invalid-grant | The code has expired | Log in again | "error": "invalid_grant"
html-error | with an internal error | Try again in a minute | HTTP/1.1 500 Internal Server Error
access-token-refused | A token issued a moment ago is refused | Wait a minute | HTTP/1.1 401
oauth-turned-off | although a token was sent | turn it on | HTTP/1.1 302
policy-refuses-token | Access knows the token and refuses it | an Allow policy | cf-access-aud:
origin-down | cannot reach the server behind it | start the origin or its tunnel | HTTP/1.1 530
expired-refresh-token | The refresh token is no longer valid | Grant session duration | "invalid_grant"
rotation-off | | |
revocation-unavailable | The server failed with an internal error | Try again in a minute | HTTP/1.1 503
binding-cookie | although its own token was sent | turn the Binding Cookie off | HTTP/1.1 401
service-auth-missing | as if no service token had been sent | the action Service Auth | HTTP/1.1 401
clock-skew | this machine's clock differ | (NTP) | date:
"""
FAULT_WORDS: Final = {
    Fault(cells[0]): (cells[1], cells[2], cells[3])
    for cells in ([cell.strip() for cell in line.split("|")] for line in _TABLE.strip().splitlines())
}
"""What happened, what to do and what shows it, for each fault; empty where authlens copes with it."""

WAIT: Final = 60.0  # seconds for the browser; the person needs a tenth of one
SHORT: Final = 2.0  # seconds for the stages before, on a busy machine, if no one is going to come
COMES_WRONGLY: Final = 5.0  # seconds in which the played user brings an answer that is ignored
NOBODY_COMES: Final = frozenset(
    {Fault.DENIED_USER, Fault.WRONG_STATE, Fault.INVALID_NONCE, Fault.APPLICATION_NOT_FOUND}
)
_walks: dict[Fault, Walk] = {}


class ImpatientWire(Wire):
    """The real sender with a shorter patience, so that a slow server is slow soon."""

    async def send(
        self,
        request: Request,
        *,
        limits: Limits = METADATA,
        loopback_http: bool = False,
        addresses: AddressPolicy = AddressPolicy.ANY,
        purpose: Purpose = Purpose.OTHER,
    ) -> Exchange:
        """Send with a deadline of half a second."""
        return await super().send(
            request,
            limits=replace(limits, deadline=0.5),
            loopback_http=loopback_http,
            addresses=addresses,
            purpose=purpose,
        )


@dataclass
class Walk:
    """A login that was walked, with everything it told.

    Attributes:
        afterwards: what was tried after the login, under a fault that shows only then.
    """

    login: Login
    events: list[Event]
    pages: list[PlayResult]
    secrets: set[str]
    afterwards: StageRecord | None = None


async def walked(fault: Fault) -> Walk:
    if fault not in _walks:
        _walks[fault] = await _walk(fault)
    return _walks[fault]


async def _walk(fault: Fault) -> Walk:
    events: list[Event] = []
    playing: list[asyncio.Task[PlayResult]] = []
    secrets: set[str] = set()
    wire = ImpatientWire() if fault is Fault.SLOW else Wire()

    def watch(event: Event) -> None:
        events.append(event)
        secrets.update(_secrets_of(login))
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))

    async with Emulator(faults=[fault]) as emulator, Session(wire, Credentials.memory()) as session:
        login = start_login(session, emulator.resource_url, _options(fault))
        login.watch(watch)
        try:
            await asyncio.wait_for(login.run_all(), PATIENCE)
            secrets.update(_secrets_of(login))
            pages = await asyncio.gather(*playing)
        finally:
            await login.aclose()
        afterwards = await _afterwards(fault, emulator, session)
    for page in pages:
        query = parse_qs(urlsplit(page.callback_url or "").query)
        secrets.update(query.get("code", ()))
    return Walk(login, events, list(pages), secrets, afterwards)


def _options(fault: Fault) -> Options:
    wait = SHORT if fault in NOBODY_COMES else WAIT
    if fault is Fault.WRONG_STATE:
        wait = COMES_WRONGLY
    return Options(port=8400 if fault is Fault.PORT_TAKEN else 0, wait=wait)


def _secrets_of(login: Login) -> Iterator[str]:
    """Every secret the login holds now, but for the state, which is in the link that a person is shown."""
    facts = login.facts
    if facts.pkce is not None:
        yield facts.pkce.code_verifier.reveal()
    if facts.tokens is not None:
        yield facts.tokens.access_token.reveal()
        if facts.tokens.refresh_token is not None:
            yield facts.tokens.refresh_token.reveal()
    for record in login.trace.records:
        for fact in record.facts:
            if isinstance(fact.value, Secret) and fact.name != "state":
                yield fact.value.reveal()


async def _afterwards(fault: Fault, emulator: Emulator, session: Session) -> StageRecord | None:
    """Do what makes a fault show that a login does not meet."""
    credentials, wire = session.credentials, session.wire
    match fault:
        case Fault.EXPIRED_REFRESH_TOKEN:
            [grant] = credentials.list()
            return (
                await refresh(credentials, wire, grant.grant_id, RefreshOptions(force=True))
            ).trace.records[0]
        case Fault.REVOCATION_UNAVAILABLE:
            [grant] = credentials.list()
            return (await revoke(credentials, wire, grant.grant_id)).trace.records[0]
        case Fault.BINDING_COOKIE | Fault.SERVICE_AUTH_MISSING:
            return await _probe(emulator, credentials, wire)
        case _:
            return None


async def _probe(emulator: Emulator, credentials: Credentials, wire: Wire) -> StageRecord:
    """Ask the resource with what the demo hands out, as `p` on its row of the dashboard does."""
    demo, session = DrillWorld(), Session(wire, credentials)
    demo.emulator = emulator
    try:
        await demo.hand_out(session)
        [entry] = inventory_of((), demo.find_tokens(), credentials.service_tokens.list())
        probed = await probe(session, entry)
    finally:
        await demo.take_back(session)
    assert probed.trace is not None
    return probed.trace.records[0]


def explained(walk: Walk) -> Diagnosis | None:
    """Return what a person is told of the fault: of what failed, then or afterwards, or of what warned."""
    last = (walk.afterwards or walk.login.trace.records[-1]).reason
    if last is not None:
        return last
    made = (record.diagnosis for record in walk.login.trace.records)
    return next((one for one in made if one is not None), None)
