"""Every fault that the emulator knows, walked from end to end: a known ending, a cure, and no secret told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from authlens_core.credentials.grants import Credentials
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.faults import Fault
from authlens_core.emulator.person import PlayResult, play_person
from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.login.verdict import verdict, why
from authlens_core.oauth.check import Severity
from authlens_core.oauth.http_message import Request
from authlens_core.secret import Secret
from authlens_core.session import Session
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.limits import METADATA, Limits

pytestmark = pytest.mark.timeout(30)

WAIT: Final = 6.0  # seconds for the browser; the person needs a tenth of one
SHORT: Final = 0.5  # seconds where nobody is going to come


@dataclass(frozen=True, slots=True)
class Ending:
    """How a login under a fault has to end.

    Attributes:
        stage: where it stops; None where all eight stages pass.
        check: the check that fails; for a finished login the one that warns, empty where nothing does.
        word: what the words about it must hold, in lower case: it names the right cause.
    """

    stage: Stage | None
    check: str = ""
    word: str = ""


FINE: Final = Ending(None)
ENDINGS: Final = {
    Fault.NO_WWW_AUTHENTICATE: Ending(Stage.RESOURCE_METADATA, "resource_metadata.found", "managed oauth"),
    Fault.CHALLENGE_WITHOUT_METADATA: Ending(None, "detection.resource_metadata", "www-authenticate"),
    Fault.POST_ONLY: FINE,
    Fault.OAUTH_OFF: Ending(Stage.DETECTION, "detection.protection", "turn on managed oauth"),
    Fault.SERVICE_AUTH_ONLY: Ending(Stage.DETECTION, "detection.protection", "service token"),
    Fault.PUBLIC: Ending(Stage.DETECTION, "detection.protection", "without a login"),
    Fault.BROWSER_INTEGRITY: Ending(Stage.DETECTION, "detection.protection", "browser integrity check"),
    Fault.CHALLENGE_PAGE: Ending(Stage.DETECTION, "detection.protection", "challenge page"),
    Fault.WAF_RULE: Ending(Stage.DETECTION, "detection.protection", "waf custom rule"),
    Fault.NO_APPLICATION: Ending(Stage.DETECTION, "detection.protection", "add an application"),
    Fault.ORIGIN_UNREACHABLE: Ending(Stage.DETECTION, "detection.protection", "tunnel"),
    Fault.SLOW: Ending(Stage.DETECTION, "detection.protection", "still waiting"),
    Fault.HOSTILE_TEXT: Ending(None, "detection.protection", "www-authenticate"),
    Fault.RESOURCE_MISMATCH: Ending(Stage.RESOURCE_METADATA, "resource_metadata.resource", "another origin"),
    Fault.BARE_ISSUER: FINE,
    Fault.WRONG_ISSUER: Ending(Stage.SERVER_METADATA, "server.issuer", "issuer"),
    Fault.NO_REGISTRATION_ENDPOINT: Ending(
        Stage.SERVER_METADATA, "server.registration_endpoint", "--client-id"
    ),
    Fault.NO_REVOCATION_ENDPOINT: FINE,
    Fault.NONE_NOT_ADVERTISED: Ending(None, "server.none", "none"),
    Fault.S256_NOT_ADVERTISED: Ending(Stage.SERVER_METADATA, "server.s256", "s256"),
    Fault.REDIRECT_URI_REFUSED: Ending(Stage.REGISTRATION, "registration.status", "allow localhost clients"),
    Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION: Ending(
        Stage.AUTHORIZATION, "authorization.error", "allowed redirect uris"
    ),
    Fault.LOCALHOST_REFUSED: Ending(Stage.REGISTRATION, "registration.status", "--redirect-host 127.0.0.1"),
    Fault.SETTINGS_NOT_LIVE: Ending(Stage.REGISTRATION, "registration.status", "about a minute"),
    Fault.RESOURCE_REFUSED: Ending(Stage.AUTHORIZATION, "authorization.error", "--resource"),
    Fault.PKCE_FIRST_CHARACTER: FINE,
    Fault.PKCE_REFUSED: Ending(Stage.AUTHORIZATION, "authorization.error", "letter or a digit"),
    Fault.DENIED_USER: Ending(Stage.AUTHORIZATION, "authorization.timeout", "shows a refusal"),
    Fault.INVALID_NONCE: Ending(Stage.AUTHORIZATION, "authorization.timeout", "invalid nonce"),
    Fault.APPLICATION_NOT_FOUND: Ending(
        Stage.AUTHORIZATION, "authorization.timeout", "unable to find your access application"
    ),
    Fault.ACCESS_DENIED: Ending(Stage.AUTHORIZATION, "authorization.error", "another account"),
    Fault.WRONG_STATE: Ending(Stage.AUTHORIZATION, "authorization.timeout", "1 other request ignored"),
    Fault.ISS_MISMATCH: Ending(Stage.AUTHORIZATION, "authorization.iss", "distrust"),
    Fault.PORT_TAKEN: Ending(Stage.REGISTRATION, "registration.port", "--port"),
    Fault.INVALID_GRANT: Ending(Stage.EXCHANGE, "token.status", "log in again"),
    Fault.HTML_ERROR: Ending(Stage.EXCHANGE, "token.status", "try again"),
    Fault.ACCESS_TOKEN_REFUSED: Ending(Stage.ACCESS, "access.accepted", "revoked the tokens"),
    Fault.OAUTH_TURNED_OFF: Ending(Stage.ACCESS, "access.accepted", "turn it on"),
    Fault.POLICY_REFUSES_TOKEN: Ending(Stage.ACCESS, "access.accepted", "allow policy"),
    Fault.ORIGIN_DOWN: Ending(None, "access.accepted", "tunnel"),
    Fault.EXPIRED_REFRESH_TOKEN: FINE,
    Fault.ROTATION_OFF: FINE,
    Fault.REVOCATION_UNAVAILABLE: FINE,
    Fault.BINDING_COOKIE: FINE,
    Fault.SERVICE_AUTH_MISSING: FINE,
    Fault.CLOCK_SKEW: Ending(None, "token.clock", "clock"),
}
NOBODY_COMES: Final = frozenset(
    {Fault.DENIED_USER, Fault.WRONG_STATE, Fault.INVALID_NONCE, Fault.APPLICATION_NOT_FOUND}
)


class ImpatientWire(Wire):
    """The real sender with a shorter patience, so that a slow server is slow soon."""

    async def send(
        self,
        request: Request,
        *,
        limits: Limits = METADATA,
        loopback_http: bool = False,
        addresses: AddressPolicy = AddressPolicy.ANY,
        purpose: str = "",
    ) -> Exchange:
        """Send with a deadline of half a second."""
        return await super().send(
            request,
            limits=replace(limits, deadline=0.5),
            loopback_http=loopback_http,
            addresses=addresses,
            purpose=purpose,
        )


def _options(fault: Fault) -> Options:
    wait = SHORT if fault in NOBODY_COMES else WAIT
    return Options(port=8400 if fault is Fault.PORT_TAKEN else 0, wait=wait)


@dataclass
class Walk:
    """A login that was walked, with everything it told."""

    login: Login
    events: list[Event]
    pages: list[PlayResult]
    secrets: set[str]


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
        login = session.login(emulator.resource_url, _options(fault))
        login.watch(watch)
        try:
            await asyncio.wait_for(login.run_all(), 20)
            secrets.update(_secrets_of(login))
            pages = await asyncio.gather(*playing)
        finally:
            await login.aclose()
    for page in pages:
        query = parse_qs(urlsplit(page.callback_url or "").query)
        secrets.update(query.get("code", ()))
    return Walk(login, events, list(pages), secrets)


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


def _told(walk: Walk) -> Iterator[str]:
    """Every text that a person, a log or a crash report could get to see of the login."""
    yield repr(walk.login.trace)
    yield repr(walk.login.facts)
    for event in walk.events:
        yield f"{event} {event!r}"
    for record in walk.login.trace.records:
        for check in record.checks:
            yield " ".join((check.expected, check.seen, check.why, check.cure, check.evidence))
        for fact in record.facts:
            yield f"{fact.name} {fact.value} {fact.note}"
        reason, error = why(record), verdict(record)
        yield repr(reason)
        yield f"{error} {error!r}"


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = {base64.b64encode(raw[i:]).decode().rstrip("=")[2:-2] for i in range(3)}
    return {secret, quote(secret, safe=""), secret.replace(":", "%3a"), *encoded}


def _words(record: StageRecord, check: str) -> str:
    """Everything said about a check, with the diagnosis that explains it, in lower case."""
    reason = why(record)
    parts = [] if reason is None else [reason.cause, reason.cure, *reason.evidence]
    parts += [f"{c.seen} {c.why} {c.cure}" for c in record.checks if c.name == check]
    return " ".join(parts).lower()


def test_the_table_has_a_row_for_every_fault() -> None:
    """A fault that is added has to say how a login under it ends."""
    assert set(ENDINGS) == set(Fault)


@pytest.mark.parametrize("fault", Fault, ids=str)
async def test_a_login_under_a_fault_ends_as_it_should_and_tells_no_secret(fault: Fault) -> None:
    """Troubleshooting, A3: no exception, no hang, the right cause, and nothing unmasked."""
    ending = ENDINGS[fault]
    walk = await _walk(fault)
    login = walk.login
    last = login.trace.records[-1]
    if ending.stage is None:
        assert login.finished, (last.stage, last.failures)
        complaints = {
            c.name: r for r in login.trace.records for c in r.checks if c.severity is Severity.WARNING
        }
        assert set(complaints) == ({ending.check} if ending.check else set())
        record = complaints.get(ending.check, last)
    else:
        record = last
        assert (record.stage, record.outcome) == (ending.stage, Outcome.FAILED)
        assert record.failures[0].name == ending.check
        assert verdict(record) is not None
    assert ending.word in _words(record, ending.check)
    told = "\n".join(_told(walk))
    secrets = {form for secret in walk.secrets for form in _forms(secret) if len(secret) >= 8}
    if login.finished:
        assert len(walk.secrets) >= 4
    assert not [form for form in secrets if form in told]
