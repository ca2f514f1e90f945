"""Every fault that the emulator knows, walked from end to end: a known ending, a cure, and no secret told."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pytest

from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Severity
from authlens_lab.emulator import Fault, Profile, faults_of
from support.walked_faults import FAULT_WORDS, Walk, explained, walked


@dataclass(frozen=True, slots=True)
class Ending:
    """How a login under a fault has to end.

    Attributes:
        stage: where it stops; None where all eight stages pass.
        check: the check that fails; for a finished login the one that warns, empty where nothing does.
    """

    stage: Stage | None
    check: str = ""


FINE: Final = Ending(None)
ENDINGS: Final = {
    Fault.NO_WWW_AUTHENTICATE: Ending(Stage.RESOURCE_METADATA, "resource_metadata.found"),
    Fault.CHALLENGE_WITHOUT_METADATA: Ending(None, "detection.metadata_guessed"),
    Fault.POST_ONLY: FINE,
    Fault.OAUTH_OFF: Ending(Stage.DETECTION, "detection.protection"),
    Fault.SERVICE_AUTH_ONLY: Ending(Stage.DETECTION, "detection.protection"),
    Fault.PUBLIC: Ending(Stage.DETECTION, "detection.protection"),
    Fault.BROWSER_INTEGRITY: Ending(Stage.DETECTION, "detection.protection"),
    Fault.CHALLENGE_PAGE: Ending(Stage.DETECTION, "detection.protection"),
    Fault.WAF_RULE: Ending(Stage.DETECTION, "detection.protection"),
    Fault.NO_APPLICATION: Ending(Stage.DETECTION, "detection.protection"),
    Fault.ORIGIN_UNREACHABLE: Ending(Stage.DETECTION, "detection.protection"),
    Fault.SLOW: Ending(Stage.DETECTION, "detection.protection"),
    Fault.HOSTILE_TEXT: Ending(None, "detection.protection"),
    Fault.RESOURCE_MISMATCH: Ending(Stage.RESOURCE_METADATA, "resource_metadata.resource"),
    Fault.BARE_ISSUER: FINE,
    Fault.WRONG_ISSUER: Ending(Stage.SERVER_METADATA, "server.issuer"),
    Fault.NO_REGISTRATION_ENDPOINT: Ending(Stage.SERVER_METADATA, "server.registration_endpoint"),
    Fault.NO_REVOCATION_ENDPOINT: FINE,
    Fault.NONE_NOT_ADVERTISED: Ending(None, "server.none"),
    Fault.S256_NOT_ADVERTISED: Ending(Stage.SERVER_METADATA, "server.s256"),
    Fault.REDIRECT_URI_REFUSED: Ending(Stage.REGISTRATION, "registration.status"),
    Fault.REDIRECT_URI_REFUSED_AT_AUTHORIZATION: Ending(Stage.AUTHORIZATION, "authorization.error"),
    Fault.LOCALHOST_REFUSED: Ending(Stage.REGISTRATION, "registration.status"),
    Fault.SETTINGS_NOT_LIVE: Ending(Stage.REGISTRATION, "registration.status"),
    Fault.RESOURCE_REFUSED: Ending(Stage.AUTHORIZATION, "authorization.error"),
    Fault.PKCE_FIRST_CHARACTER: FINE,
    Fault.PKCE_REFUSED: Ending(Stage.AUTHORIZATION, "authorization.error"),
    Fault.DENIED_USER: Ending(Stage.AUTHORIZATION, "authorization.timeout"),
    Fault.INVALID_NONCE: Ending(Stage.AUTHORIZATION, "authorization.timeout"),
    Fault.APPLICATION_NOT_FOUND: Ending(Stage.AUTHORIZATION, "authorization.timeout"),
    Fault.ACCESS_DENIED: Ending(Stage.AUTHORIZATION, "authorization.error"),
    Fault.WRONG_STATE: Ending(Stage.AUTHORIZATION, "authorization.timeout"),
    Fault.ISS_MISMATCH: Ending(Stage.AUTHORIZATION, "authorization.iss"),
    Fault.PORT_TAKEN: Ending(Stage.REGISTRATION, "registration.port"),
    Fault.INVALID_GRANT: Ending(Stage.EXCHANGE, "token.status"),
    Fault.HTML_ERROR: Ending(Stage.EXCHANGE, "token.status"),
    Fault.ACCESS_TOKEN_REFUSED: Ending(Stage.ACCESS, "access.accepted"),
    Fault.OAUTH_TURNED_OFF: Ending(Stage.ACCESS, "access.accepted"),
    Fault.POLICY_REFUSES_TOKEN: Ending(Stage.ACCESS, "access.accepted"),
    Fault.ORIGIN_DOWN: Ending(None, "access.accepted"),
    Fault.EXPIRED_REFRESH_TOKEN: FINE,
    Fault.ROTATION_OFF: FINE,
    Fault.REVOCATION_UNAVAILABLE: FINE,
    Fault.BINDING_COOKIE: FINE,
    Fault.SERVICE_AUTH_MISSING: FINE,
    Fault.CLOCK_SKEW: Ending(None, "token.clock"),
}

FAULTS: Final = faults_of(Profile.ACCESS)
HANDLED: Final = [fault for fault, words in FAULT_WORDS.items() if not any(words)]
"""What authlens copes with by itself, so that there is nothing to cure."""


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
    assert set(FAULT_WORDS) == set(FAULTS)


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in HANDLED], ids=str)
async def test_a_fault_has_a_diagnosis_whose_cure_names_the_cause_and_whose_line_shows_it(
    fault: Fault,
) -> None:
    happened, cure, line = FAULT_WORDS[fault]
    reason = explained(await walked(fault))
    assert reason is not None
    assert reason.known
    assert happened in " ".join((reason.cause, *reason.evidence))
    assert cure in str(reason.cure)
    assert any(line in one for one in reason.evidence), reason.evidence


@pytest.mark.parametrize("fault", HANDLED, ids=str)
async def test_what_authlens_copes_with_is_not_called_a_failure(fault: Fault) -> None:
    walk = await walked(fault)
    assert walk.login.finished
    assert explained(walk) is None


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_login_under_a_fault_ends_as_it_should_and_tells_no_secret(fault: Fault) -> None:
    ending = ENDINGS[fault]
    walk = await walked(fault)
    login = walk.login
    last = login.trace.records[-1]
    if ending.stage is None:
        assert login.finished, (last.stage, last.failures)
        complaints = {c.name for r in login.trace.records for c in r.checks if c.severity is Severity.WARNING}
        assert complaints == ({ending.check} if ending.check else set())
    else:
        assert (last.stage, last.outcome) == (ending.stage, Outcome.FAILED)
        assert last.failures[0].name == ending.check
        assert last.error is not None
        assert FAULT_WORDS[fault][1].lower() in _words(last, ending.check)
    told = "\n".join(_told(walk))
    secrets = {form for secret in walk.secrets for form in _forms(secret) if len(secret) >= 8}
    if login.finished:
        assert len(walk.secrets) >= 4
    assert not [form for form in secrets if form in told]
