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
from authlens_core.oauth.check import Check
from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Outcome, Stage, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_core.wire.exchange import FailureKind

__all__ = ["Why", "client_is_unknown", "verdict", "why"]

_BY_CHECK: Final[Mapping[str, type[AuthlensError]]] = {
    "registration.port": UsageError,
    "registration.endpoint": UsageError,
    "authorization.timeout": TimedOut,
    "authorization.error": Refused,
    "access.accepted": Refused,
}
# In these stages a server that answers with an OAuth error has refused; before them it is misconfigured.
_REFUSES: Final = frozenset({Stage.REGISTRATION, Stage.EXCHANGE, Stage.REFRESH})


class Why(NamedTuple):
    """Why a stage failed and what to do, safe to show; `said` is the server's own word where it helps."""

    cause: str
    cure: str
    said: str = ""


def why(record: StageRecord) -> Why | None:
    """Return why a stage failed, by the diagnosis where there is one; None when it did not fail."""
    if record.outcome is not Outcome.FAILED or not record.failures:
        return None
    check = record.failures[0]
    diagnosis = next((c for c in record.checks if c.name.endswith(".diagnosis")), None)
    seen = safe_line(check.seen, 500)
    if diagnosis is not None:
        return Why(safe_line(diagnosis.seen, 500), safe_line(diagnosis.cure, 500), seen)
    cure = safe_line(check.cure, 500)
    if seen.endswith(".") or ". (" in seen:
        return Why(seen, cure)
    expected = safe_line(check.expected.rstrip("."), 300)
    return Why(f"Expected: {expected}. Seen: {seen or 'nothing'}", cure)


def verdict(record: StageRecord) -> AuthlensError | None:
    """Return the error that a failed record amounts to, or None when it did not fail."""
    reason = why(record)
    if reason is None:
        return None
    kind = _kind(record, record.failures[0])
    said = f" The server said: {reason.said}" if reason.said else ""
    return kind(f"{reason.cause}{said}", reason.cure, stage=STAGE_INFO[record.stage].title)


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
