"""What a failed record comes to, as one of the errors with an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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

__all__ = ["verdict"]

_BY_CHECK: Final[Mapping[str, type[AuthlensError]]] = {
    "registration.port": UsageError,
    "registration.endpoint": UsageError,
    "authorization.timeout": TimedOut,
    "authorization.error": Refused,
    "access.accepted": Refused,
}
# In these stages a server that answers with an OAuth error has refused; before them it is misconfigured.
_REFUSES: Final = frozenset({Stage.REGISTRATION, Stage.EXCHANGE, Stage.REFRESH})


def verdict(record: StageRecord, *, public: bool = False) -> AuthlensError | None:
    """Return the error that a failed record amounts to, or None when it did not fail.

    Args:
        record: the record of the stage that ended.
        public: true when the resource answers without a login.
    """
    if record.outcome is not Outcome.FAILED or not record.failures:
        return None
    check = record.failures[0]
    kind = NotProtected if public and record.stage is Stage.DETECTION else _kind(record, check)
    cause = f"{check.expected.rstrip('.')}: {safe_line(check.seen, 500)}" if check.seen else check.expected
    return kind(cause, safe_line(check.cure, 500), stage=STAGE_INFO[record.stage].title)


def _kind(record: StageRecord, check: Check) -> type[AuthlensError]:
    failure = record.exchanges[-1].failure if record.exchanges else None
    if failure is not None:
        if failure.kind is FailureKind.TIMEOUT:
            return TimedOut
        if failure.kind in {FailureKind.NAME, FailureKind.CONNECT, FailureKind.TLS, FailureKind.PROXY}:
            return NetworkFailure
        return ServerMisconfigured
    named = _BY_CHECK.get(check.name)
    if named is not None:
        return named
    response = record.exchanges[-1].response if record.exchanges else None
    if record.stage in _REFUSES and response is not None and 400 <= response.status < 500:
        return Refused
    if record.stage is Stage.DETECTION and response is not None and response.status == 403:
        return Refused
    return ServerMisconfigured
