"""Why a stage failed: diagnosed when its record is made, then told as cause and fix, or as an error.

What a server repeated of a secret is masked when the record is made, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from authlens_core.diagnosis import evidence
from authlens_core.diagnosis.diagnose import diagnose, explain
from authlens_core.diagnosis.server_kind import ServerKind
from authlens_core.oauth.error_response import OAuthError, meaning
from authlens_core.trace.record import Outcome, Stage, StageRecord, decisive
from authlens_core.values.check import Check, CheckId, Diagnosis, Severity, failures
from authlens_core.values.errors import (
    AuthlensError,
    NotProtected,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.exchange import Exchange, Purpose
from authlens_core.values.fix import Fix
from authlens_core.values.known_secrets import KnownSecrets

# A login continues after a warning; what it means still deserves a diagnosis.
_GRAVE: Final = frozenset({Severity.FAILURE, Severity.WARNING})


def refusal(
    stage: Stage,
    error: OAuthError | None,
    *,
    remark: str = "",
    exchange: Exchange | None = None,
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return the diagnosis of a refusal in `stage`, or None if the error is not a known one.

    Args:
        error: what the server said, if it sent an OAuth error.
        remark: a sentence of ours that belongs to the cause.
        exchange: the request and the answer, if authlens itself sent the request.
        kind: which product the server is, as far as earlier stages saw.
    """
    diagnosis = diagnose(stage, error=error, exchange=exchange, kind=kind)
    return (
        replace(diagnosis, cause=f"{diagnosis.cause} {remark}")
        if diagnosis is not None and remark
        else diagnosis
    )


def refusal_words(
    stage: Stage, error: OAuthError, kind: ServerKind, exchange: Exchange | None = None
) -> tuple[str, str | Fix]:
    """Return what a refusal means and what to do: what the product means by it, or else the error code."""
    known, means = refusal(stage, error, kind=kind, exchange=exchange), meaning(error.error)
    return (means.means, means.cure) if known is None else (known.cause, known.cure)


def diagnosis_of(
    stage: Stage,
    checks: Sequence[Check],
    exchanges: Sequence[Exchange],
    overridden: Collection[str] = (),
    kind: ServerKind = ServerKind.OTHER,
) -> Diagnosis | None:
    """Return the diagnosis of a stage that ended with `checks`; None if they say everything.

    Failures are explained, the first of them if they have different causes; without one, warnings are.
    """
    # First what no yes helps against: a diagnosis that says "continue" would be of a login that cannot.
    failing = tuple(sorted(failures(checks, overridden), key=lambda check: check.overridable))
    grave = failing or tuple(c for c in checks if c.severity in _GRAVE and c.name not in overridden)
    if not grave:
        return None
    exchange = decisive(stage, exchanges)
    if failing:
        return explain(stage, grave, exchange, kind)
    return diagnose(stage, checks=grave, exchange=exchange, kind=kind)


def without_echoes(record: StageRecord) -> StageRecord:
    """Return `record`, the secrets that were sent in it masked in the words of its checks and facts.

    The exchanges stay as they were on the wire; a view of them has a redactor.
    """
    sent = KnownSecrets(evidence.sent_in(record.exchanges))
    if not sent:
        return record
    of_check = ("expected", "seen", "why", "cure", "error_code")
    diagnosis = record.diagnosis
    return replace(
        record,
        checks=tuple(evidence.without_echoes(check, sent, *of_check) for check in record.checks),
        facts=tuple(evidence.without_echoes(fact, sent, "value", "note") for fact in record.facts),
        diagnosis=diagnosis and evidence.without_echoes(diagnosis, sent, "cause", "cure", "evidence"),
    )


_MOST_LINES: Final = 6  # of evidence
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
    status = last.status if last is not None else None
    if status is None:
        return ServerMisconfigured
    if record.stage is Stage.DETECTION:
        # A 403 without a challenge comes from something that protects it and offers no login (RFC 9110
        # §15.5.4).
        return NotProtected if 200 <= status < 300 else Refused if status == 403 else ServerMisconfigured
    return Refused if record.stage in _REFUSES and 400 <= status < 500 else ServerMisconfigured
