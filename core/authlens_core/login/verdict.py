"""What a failed record comes to: its cause and cure in a sentence each, and the error with an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from authlens_core.errors import (
    AuthlensError,
    NetworkFailure,
    NotProtected,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.login.refusal import diagnosis_checks, is_diagnosis, is_unknown
from authlens_core.oauth.check import Check
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_core.wire.exchange import FailureKind

__all__ = ["Why", "client_is_unknown", "verdict", "why"]

_MOST_LINES: Final = 6
_BY_CHECK: Final[Mapping[str, type[AuthlensError]]] = {
    "registration.port": UsageError,
    "registration.port_half": UsageError,
    "registration.listener": UsageError,
    "registration.endpoint": UsageError,
    "authorization.timeout": TimedOut,
    "authorization.error": Refused,
    "access.accepted": Refused,
}
# In these stages a server that answers with an OAuth error has refused; before them it is misconfigured.
_REFUSES: Final = frozenset({Stage.REGISTRATION, Stage.EXCHANGE, Stage.REFRESH})


class Why(NamedTuple):
    """Why a stage failed and what to do, safe to show.

    Attributes:
        cause: what happened and why.
        cure: what to do.
        evidence: the lines of the raw answer that show it.
        known: false where the answer itself is shown, because authlens does not know what it means.
    """

    cause: str
    cure: str
    evidence: tuple[str, ...] = ()
    known: bool = True


def why(record: StageRecord) -> Why | None:
    """Return why a stage failed, by the diagnosis where there is one; None when it did not fail.

    A record without a diagnosis, as of a refresh or a revocation, is diagnosed here.
    """
    if record.outcome is not Outcome.FAILED or not record.failures:
        return None
    check = record.failures[0]
    own = next((c for c in record.checks if is_diagnosis(c)), None)
    made = diagnosis_checks(record.stage, record.checks, record.exchanges, record.overridden)
    diagnosis = own or next(iter(made), None)
    if diagnosis is not None:
        # A record of an earlier version of authlens has no evidence in it.
        lines = diagnosis.evidence or check.seen
        cause, cure = diagnosis.seen, diagnosis.cure
        return Why(cause, cure, _lines(lines), not is_unknown(diagnosis))
    cure = check.cure
    seen = check.seen
    if seen.endswith(".") or ". (" in seen:
        return Why(seen, cure)
    expected = check.expected.rstrip(".")
    return Why(f"Expected: {expected}. Seen: {seen or 'nothing'}", cure)


def verdict(record: StageRecord) -> AuthlensError | None:
    """Return the error that a failed record amounts to, or None when it did not fail."""
    reason = why(record)
    if reason is None:
        return None
    kind = _kind(record, record.failures[0])
    seen = f" Seen: {' · '.join(reason.evidence)}" if reason.evidence else ""
    return kind(f"{reason.cause}{seen}", reason.cure, stage=STAGE_INFO[record.stage].title)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines()[:_MOST_LINES])


def client_is_unknown(record: StageRecord) -> bool:
    """Whether the server refused because it does not know the client, or no longer."""
    return any("invalid_client" in c.seen or "unauthorized_client" in c.seen for c in record.failures)


def _kind(record: StageRecord, check: Check) -> type[AuthlensError]:
    last = record.exchanges[-1] if record.exchanges else None
    if last is not None and last.failure is not None:
        return _BY_FAILURE.get(last.failure.kind, ServerMisconfigured)
    named = _BY_CHECK.get(check.name)
    if named is not None:
        return named
    status = last.response.status if last is not None and last.response is not None else None
    if status is None:
        return ServerMisconfigured
    if record.stage is Stage.DETECTION:
        return NotProtected if 200 <= status < 300 else Refused if status == 403 else ServerMisconfigured
    return Refused if record.stage in _REFUSES and 400 <= status < 500 else ServerMisconfigured


_BY_FAILURE: Final[Mapping[FailureKind, type[AuthlensError]]] = {
    FailureKind.TIMEOUT: TimedOut,
    FailureKind.NAME: NetworkFailure,
    FailureKind.CONNECT: NetworkFailure,
    FailureKind.TLS: NetworkFailure,
    FailureKind.PROXY: NetworkFailure,
    FailureKind.URL: UsageError,
}
