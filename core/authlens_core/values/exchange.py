"""An exchange: one request exactly as sent, and what came back, good or bad."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from authlens_core.values.errors import (
    AuthlensError,
    NetworkFailure,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.http_message import Request, Response
from authlens_core.values.purpose import Purpose
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_fields


class FailureKind(StrEnum):
    """The layer at which an exchange failed."""

    URL = "url"
    ADDRESS = "address"
    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    PROXY = "proxy"
    PROTOCOL = "protocol"
    ENCODING = "encoding"
    TOO_LARGE = "too large"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class WireFailure:
    """Why there is no complete answer.

    Attributes:
        cause: one sentence; made safe to show, as `cure` is.
        may_have_arrived: true when the request, or a part of it, left this machine: the server may have
            acted on it, and the outcome is unknown.
    """

    kind: FailureKind
    cause: str
    cure: str = ""
    may_have_arrived: bool = False

    def __post_init__(self) -> None:
        safe_fields(self, "cause", "cure")

    @property
    def error_type(self) -> type[AuthlensError]:
        """The error, and with it the exit code, that a missing answer amounts to."""
        return _ERROR_TYPES.get(self.kind, ServerMisconfigured)


_ERROR_TYPES: Final = {
    FailureKind.TIMEOUT: TimedOut,
    FailureKind.NAME: NetworkFailure,
    FailureKind.CONNECT: NetworkFailure,
    FailureKind.TLS: NetworkFailure,
    FailureKind.PROXY: NetworkFailure,
    FailureKind.URL: UsageError,
}


# An imported record may lack both. Then it is unknown whether the server has acted.
_NOTHING_CAME: Final = WireFailure(
    FailureKind.CONNECT, "There was no answer.", "Try again.", may_have_arrived=True
)


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds spent in each phase; None where the phase did not happen (no TLS, or a failure before it).

    `connect` includes the lookup of the name where `dns` does not state it.
    """

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its outcome.

    Attributes:
        request: the request as sent, every header field included.
        response: the response as received; None when there was none. A response that was cut by a limit
            or a broken connection is kept as far as it came, and `failure` says what happened.
        failure: None when the answer is complete.
        started_at: wall clock, UTC.
        elapsed: seconds from the first step to the last byte.
        peer: `address:port` of the other end, or None.
        proxy: `host:port` of the proxy that was used, or None.
    """

    request: Request
    response: Response | None
    failure: WireFailure | None
    started_at: datetime
    elapsed: float
    timings: Timings = field(default_factory=Timings)
    peer: str | None = None
    proxy: str | None = None
    tls: str | None = None
    purpose: Purpose = Purpose.OTHER

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.elapsed)

    @property
    def answer(self) -> Response | None:
        """The response if it is complete; a part of one decides nothing."""
        return self.response if self.failure is None else None

    @property
    def no_answer(self) -> WireFailure:
        """Why there is no complete answer, for the caller that got None for it."""
        return self.failure or _NOTHING_CAME
