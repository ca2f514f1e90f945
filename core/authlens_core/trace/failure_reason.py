"""What a failed record comes to: its cause and fix, and the error with an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.values.check import Check, CheckId, Diagnosis, ErrorCode
from authlens_core.values.errors import (
    AuthlensError,
    NotProtected,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.exchange import Purpose

_MOST_LINES: Final = 6  # of evidence
# RFC 6749 §5.2 has the first for it, but servers that forgot a client answer with the second, too.
_UNKNOWN_CLIENT: Final = frozenset({ErrorCode.INVALID_CLIENT, ErrorCode.UNAUTHORIZED_CLIENT})
_OUT_OF_TIME: Final = frozenset(
    {CheckId.AUTHORIZATION_TIMEOUT, CheckId.DEVICE_TIMEOUT, CheckId.LOGIN_TIMEOUT}
)
_BY_CHECK: Final[Mapping[str, type[AuthlensError]]] = {
    CheckId.REGISTRATION_PORT: UsageError,
    CheckId.REGISTRATION_PORT_HALF: UsageError,
    CheckId.REGISTRATION_LISTENER: UsageError,
    CheckId.REGISTRATION_ENDPOINT: UsageError,
    CheckId.EXCHANGE_ASSERTION: UsageError,
    CheckId.EXCHANGE_ASSERTION_LATE: TimedOut,
    CheckId.AUTHORIZATION_TIMEOUT: TimedOut,
    CheckId.DEVICE_EXPIRED: TimedOut,
    CheckId.DEVICE_TIMEOUT: TimedOut,
    CheckId.AUTHORIZATION_ERROR: Refused,
    CheckId.ACCESS_ACCEPTED: Refused,
}
# What a stage asks for besides what decides it: a look for metadata if nothing was refused, and the keys for
# a token that has come.
_ASIDE: Final = {Stage.DETECTION: Purpose.RESOURCE_METADATA, Stage.EXCHANGE: Purpose.SIGNING_KEYS}
# In these stages a server that answers with an OAuth error has refused; before them it is misconfigured.
_REFUSES: Final = frozenset({Stage.REGISTRATION, Stage.EXCHANGE, Stage.REFRESH})


def failure_reason(record: StageRecord) -> Diagnosis | None:
    """Return why a stage failed, by its diagnosis if it has one; None if it did not fail.

    The layer is in the sentence, and of the evidence the first lines.
    """
    if record.outcome is not Outcome.FAILED or not record.failures:
        return None
    check, diagnosis = decisive_check(record), record.diagnosis
    if diagnosis is None:
        expected = check.expected.rstrip(".")
        seen = check.seen or "nothing"
        return Diagnosis(check.name, f"Expected: {expected}. Seen: {seen}", check.cure)
    cause = f"{diagnosis.cause} Layer: {diagnosis.layer}." if diagnosis.layer else diagnosis.cause
    evidence = diagnosis.evidence or ((check.seen,) if check.seen else ())
    return replace(diagnosis, cause=cause, evidence=evidence[:_MOST_LINES])


def decisive_check(record: StageRecord) -> Check:
    """Return the failed check that is reported: the first that no yes helps against, else the first."""
    return min(record.failures, key=lambda check: check.overridable)


def stage_error(record: StageRecord) -> AuthlensError | None:
    """Return the error that a failed record amounts to, or None when it did not fail."""
    reason = failure_reason(record)
    if reason is None:
        return None
    kind = _kind(record, decisive_check(record))
    seen = f" Seen: {' · '.join(reason.evidence)}" if reason.evidence else ""
    return kind(f"{reason.cause}{seen}", reason.cure, stage=record.title)


def client_is_unknown(record: StageRecord) -> bool:
    """Whether the server refused because it does not know the client, or no longer."""
    return any(check.error_code in _UNKNOWN_CLIENT for check in record.failures)


def got_no_callback(record: StageRecord) -> bool:
    """Whether a login ended because the browser did not come back in time."""
    return any(check.name == CheckId.AUTHORIZATION_TIMEOUT for check in record.failures)


def ran_out_of_time(record: StageRecord) -> bool:
    """Whether a login ended because the time was over that it, or the user in it, was given."""
    return any(check.name in _OUT_OF_TIME for check in record.failures)


def lacks_scope(record: StageRecord) -> bool:
    """Whether the resource refused the token of a login because its scope is too small."""
    refused = record.stage is Stage.ACCESS and record.outcome is Outcome.FAILED
    return refused and any(check.error_code == ErrorCode.INSUFFICIENT_SCOPE for check in record.failures)


def _kind(record: StageRecord, check: Check) -> type[AuthlensError]:
    aside = _ASIDE.get(record.stage)
    asked = [e for e in record.exchanges if e.purpose is not aside]
    last = asked[-1] if asked else None
    # The time of the whole login was over: what was under way at that moment is not why.
    if check.name == CheckId.LOGIN_TIMEOUT:
        return TimedOut
    # Before the check: that says only that the answer was unusable, the failure why there was none.
    if last is not None and last.failure is not None:
        return last.failure.error_type
    named = _BY_CHECK.get(check.name)
    if named is not None:
        return named
    status = last.response.status if last is not None and last.response is not None else None
    if status is None:
        return ServerMisconfigured
    if record.stage is Stage.DETECTION:
        # A 403 without a challenge comes from something that protects it and offers no login (RFC 9110
        # §15.5.4).
        return NotProtected if 200 <= status < 300 else Refused if status == 403 else ServerMisconfigured
    return Refused if record.stage in _REFUSES and 400 <= status < 500 else ServerMisconfigured
