"""Every fault that the emulator knows, walked from end to end: a known ending, a cure, and no secret told."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pytest

from authlens_core.emulator import Fault, Profile, faults_of
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from support.walked_faults import Walk, explained, walked


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
    Fault.CHALLENGE_WITHOUT_METADATA: Ending(None, "detection.metadata_guessed", "www-authenticate"),
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
    Fault.RESOURCE_REFUSED: Ending(
        Stage.AUTHORIZATION, "authorization.error", "exactly that of the resource metadata"
    ),
    Fault.PKCE_FIRST_CHARACTER: FINE,
    Fault.PKCE_REFUSED: Ending(Stage.AUTHORIZATION, "authorization.error", "letter or a digit"),
    Fault.DENIED_USER: Ending(Stage.AUTHORIZATION, "authorization.timeout", "shows an error"),
    Fault.INVALID_NONCE: Ending(Stage.AUTHORIZATION, "authorization.timeout", "invalid nonce"),
    Fault.APPLICATION_NOT_FOUND: Ending(
        Stage.AUTHORIZATION, "authorization.timeout", "unable to find your access application"
    ),
    Fault.ACCESS_DENIED: Ending(Stage.AUTHORIZATION, "authorization.error", "another account"),
    Fault.WRONG_STATE: Ending(Stage.AUTHORIZATION, "authorization.timeout", "1 other request ignored"),
    Fault.ISS_MISMATCH: Ending(Stage.AUTHORIZATION, "authorization.iss", "do not trust"),
    Fault.PORT_TAKEN: Ending(Stage.REGISTRATION, "registration.port", "another port"),
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

FAULTS: Final = faults_of(Profile.ACCESS)
HANDLED: Final = frozenset(
    {
        Fault.POST_ONLY,
        Fault.BARE_ISSUER,
        Fault.PKCE_FIRST_CHARACTER,
        Fault.ROTATION_OFF,
        Fault.NO_REVOCATION_ENDPOINT,
    }
)
"""What authlens copes with by itself, so that there is nothing to cure."""

# Every other fault: words of the cure that name the right cause, and the quoted line that shows it.
CURES: Final = {
    Fault.NO_WWW_AUTHENTICATE: ("Managed OAuth", "HTTP/1.1 404 Not Found"),
    Fault.CHALLENGE_WITHOUT_METADATA: ("resource_metadata=…", "www-authenticate: Bearer"),
    Fault.OAUTH_OFF: ("Advanced settings → Managed OAuth", "www-authenticate: Cloudflare-Access"),
    Fault.SERVICE_AUTH_ONLY: ("authlens service-token add", "cf-access-aud: "),
    Fault.PUBLIC: ("tell its owner", "HTTP/1.1 200 OK"),
    Fault.BROWSER_INTEGRITY: ("Browser Integrity Check", '"error_code": 1010'),
    Fault.CHALLENGE_PAGE: ("Super Bot Fight Mode", "cf-mitigated: challenge"),
    Fault.WAF_RULE: ("WAF custom rule", '"error_code": 1020'),
    Fault.NO_APPLICATION: ("Add an application", '"error_code": 1043'),
    Fault.ORIGIN_UNREACHABLE: ("start the origin or its tunnel", "HTTP/1.1 522"),
    Fault.SLOW: ("before you send it again", "timeout failure: GET http://127.0.0.1"),
    Fault.HOSTILE_TEXT: ("WWW-Authenticate", "a control character in a quoted string"),
    Fault.RESOURCE_MISMATCH: ('"resource" in the metadata', '"resource": "https://elsewhere.example"'),
    Fault.WRONG_ISSUER: ("issuer in the server metadata", '"issuer": "https://elsewhere.example"'),
    Fault.NO_REGISTRATION_ENDPOINT: ("--client-id", 'no "registration_endpoint" in it'),
    Fault.NONE_NOT_ADVERTISED: (
        "list none",
        '"token_endpoint_auth_methods_supported": ["client_secret_basic"',
    ),
    Fault.S256_NOT_ADVERTISED: ("support S256", '"code_challenge_methods_supported": ["plain"]'),
    Fault.REDIRECT_URI_REFUSED: (
        "Allow localhost clients",
        '"error_description": "redirect_uri is not allowed by the account configuration"',
    ),
    Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION: (
        "Allowed redirect URIs",
        "error_description=Redirect URI not allowed by application configuration",
    ),
    Fault.LOCALHOST_REFUSED: ("--redirect-host 127.0.0.1", '"error": "invalid_client_metadata"'),
    Fault.SETTINGS_NOT_LIVE: ("about a minute", '"error": "invalid_client_metadata"'),
    Fault.RESOURCE_REFUSED: ("exactly that of the resource metadata", "error=invalid_target"),
    Fault.PKCE_REFUSED: (
        "starts with a letter or a digit",
        "error_description=code_challenge_method must be S256 for public clients",
    ),
    Fault.DENIED_USER: ("right account", "nothing at "),
    Fault.INVALID_NONCE: ("cdn-cgi/access/logout", "nothing at "),
    Fault.APPLICATION_NOT_FOUND: ("cdn-cgi/access/logout", "nothing at "),
    Fault.WRONG_STATE: ("Check the browser", "1 other request ignored"),
    Fault.ACCESS_DENIED: ("(app) → Policies", "error=access_denied"),
    Fault.ISS_MISMATCH: ("Do not trust", "iss=https://elsewhere.example"),
    Fault.PORT_TAKEN: ("use another port", "Port 8400 on this machine is in use"),
    Fault.INVALID_GRANT: ("Log in again", '"error": "invalid_grant"'),
    Fault.HTML_ERROR: ("Try again in a minute", "HTTP/1.1 500 Internal Server Error"),
    Fault.ACCESS_TOKEN_REFUSED: ("Wait a minute", "HTTP/1.1 401 Unauthorized"),
    Fault.OAUTH_TURNED_OFF: ("turn it on", "HTTP/1.1 302 Found"),
    Fault.POLICY_REFUSES_TOKEN: ("Allow policy", "cf-access-aud: "),
    Fault.ORIGIN_DOWN: ("start the origin or its tunnel", "HTTP/1.1 530"),
    Fault.EXPIRED_REFRESH_TOKEN: ("Grant session duration", '"error": "invalid_grant"'),
    Fault.REVOCATION_UNAVAILABLE: ("Try again in a minute", "HTTP/1.1 503 Service Unavailable"),
    Fault.BINDING_COOKIE: ("Binding Cookie", "HTTP/1.1 401 Unauthorized"),
    Fault.SERVICE_AUTH_MISSING: ("action Service Auth", "HTTP/1.1 401 Unauthorized"),
    Fault.CLOCK_SKEW: ("NTP", "date: "),
}


def _told(walk: Walk) -> Iterator[str]:
    """Every text that a person, a log or a crash report could get to see of the login."""
    yield repr(walk.login.trace)
    yield repr(walk.login.facts)
    for event in walk.events:
        yield f"{event} {event!r}"
    for record in walk.login.trace.records:
        for check in record.checks:
            yield f"{check.expected} {check.seen} {check.why} {check.cure}"
        yield repr(record.diagnosis)
        for fact in record.facts:
            yield f"{fact.name} {fact.value} {fact.note}"
        reason, error = record.reason, record.error
        yield repr(reason)
        yield f"{error} {error!r}"


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    encoded = {base64.b64encode(raw[i:]).decode().rstrip("=")[2:-2] for i in range(3)}
    return {secret, quote(secret, safe=""), secret.replace(":", "%3a"), *encoded}


def _words(record: StageRecord, check: str) -> str:
    """Everything said about a check, with the diagnosis that explains it, in lower case."""
    reason = record.reason
    parts = [] if reason is None else [reason.cause, str(reason.cure), *reason.evidence]
    parts += [f"{c.seen} {c.why} {c.cure}" for c in record.checks if c.name == check]
    return " ".join(parts).lower()


def test_the_table_has_a_row_for_every_fault() -> None:
    """A fault that is added has to say how a login under it ends."""
    assert set(ENDINGS) == set(FAULTS)
    assert set(CURES) == set(FAULTS) - HANDLED


@pytest.mark.parametrize("fault", CURES, ids=str)
async def test_a_fault_has_a_diagnosis_whose_cure_names_the_cause_and_whose_line_shows_it(
    fault: Fault,
) -> None:
    """And none is an answer that authlens does not know."""
    cure, line = CURES[fault]
    reason = explained(await walked(fault))
    assert reason is not None
    assert reason.known
    assert cure in str(reason.cure)
    assert any(line in one for one in reason.evidence), reason.evidence


@pytest.mark.parametrize("fault", sorted(HANDLED), ids=str)
async def test_what_authlens_copes_with_is_not_called_a_failure(fault: Fault) -> None:
    """It is in the record as a note at most."""
    walk = await walked(fault)
    assert walk.login.finished
    assert explained(walk) is None


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_login_under_a_fault_ends_as_it_should_and_tells_no_secret(fault: Fault) -> None:
    """No exception, no hang, the right cause, and nothing unmasked."""
    ending = ENDINGS[fault]
    walk = await walked(fault)
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
        assert record.error is not None
    assert ending.word in _words(record, ending.check)
    told = "\n".join(_told(walk))
    secrets = {form for secret in walk.secrets for form in _forms(secret) if len(secret) >= 8}
    if login.finished:
        assert len(walk.secrets) >= 4
    assert not [form for form in secrets if form in told]
