"""The events of a login, and of one by cloudflared. They carry values of its record and do not affect it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from authlens_core.oauth.device_authorization import DeviceAuthorization
from authlens_core.trace.fact import Fact
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.exchange import Exchange, Request
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage has begun."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class ExchangeStarted:
    """A request is about to be sent."""

    stage: Stage
    request: Request


@dataclass(frozen=True, slots=True)
class ExchangeEnded:
    """An exchange has ended, well or badly."""

    stage: Stage
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class AuthorizationReady:
    """The link is ready and the wait for the browser has begun.

    Attributes:
        url: the link, which holds the state: it is shown and never printed.
        parameters: the link taken apart.
        seconds: how long the wait lasts unless it is extended.
    """

    url: str = field(repr=False)
    parameters: tuple[Fact, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class DeviceCodeReady:
    """The server gave the codes of the device grant: the user enters theirs on another device.

    Attributes:
        seconds: how long the wait for it lasts.
    """

    device: DeviceAuthorization
    seconds: float


@dataclass(frozen=True, slots=True)
class DeadlineMoved:
    """The user gave the browser more time; `seconds` are left now."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerIgnored:
    """A request to the listener was not the answer; the wait goes on.

    Attributes:
        unproven: the error in it, if it names one and nothing shows whose it is.
    """

    reason: str
    count: int
    unproven: str = ""


@dataclass(frozen=True, slots=True)
class TunnelTested:
    """The listener's test page was reached, by way of `family`: the browser can come back."""

    family: str


@dataclass(frozen=True, slots=True)
class StageEnded:
    """A stage has ended; here is its record."""

    record: StageRecord


Event = (
    StageStarted
    | ExchangeStarted
    | ExchangeEnded
    | AuthorizationReady
    | DeviceCodeReady
    | DeadlineMoved
    | AnswerIgnored
    | TunnelTested
    | StageEnded
)
Watcher = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class ProcessStarted:
    """cloudflared runs.

    Attributes:
        command: what was run, as a shell would take it.
        version: year, month and number, or that it is unknown.
        notes: what the user should know about this version, one sentence each.
        pid: the number of its process.
    """

    command: str
    version: str
    notes: tuple[str, ...]
    pid: int


@dataclass(frozen=True, slots=True)
class LinkShown:
    """cloudflared shows the link that the user has to open, here or on any machine."""

    url: str


@dataclass(frozen=True, slots=True)
class OtherProcessWaiting:
    """Another cloudflared waits for the same login; its number."""

    pid: int


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line that cloudflared printed, safe to show."""

    line: str


CloudflaredEvent = ProcessStarted | LinkShown | OtherProcessWaiting | PrintedLine
