"""The events of a login, and of one by cloudflared. They carry values of its record and do not affect it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from authlens_core.trace.fact import Fact
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.exchange import Exchange, Request
from authlens_core.values.secret import Unprinted
from authlens_core.values.url import Url


class StageStarted(Struct, frozen=True):
    """A stage has begun."""

    stage: Stage


class ExchangeStarted(Struct, frozen=True):
    """A request is about to be sent."""

    stage: Stage
    request: Request


class ExchangeEnded(Struct, frozen=True):
    """An exchange has ended, well or badly."""

    stage: Stage
    exchange: Exchange


class AuthorizationReady(Unprinted, Struct, frozen=True):
    """The link is ready and the wait for the browser has begun.

    Attributes:
        url: the link, which holds the state: it is shown and never printed.
        parameters: the link taken apart.
        seconds: how long the wait lasts unless it is extended.
    """

    url: str
    parameters: tuple[Fact, ...]
    seconds: float


class DeviceCodeReady(Struct, frozen=True):
    """The server gave the codes of the device grant: the user enters theirs on another device.

    Attributes:
        verification_uri_complete: the same page with the code filled in, or None.
        expires_in: seconds until the codes expire.
        seconds: how long the wait for it lasts.
    """

    user_code: str
    verification_uri: Url
    verification_uri_complete: Url | None
    expires_in: int
    seconds: float


class DeadlineMoved(Struct, frozen=True):
    """The user gave the browser more time; `seconds` are left now."""

    seconds: float


class AnswerIgnored(Struct, frozen=True):
    """A request to the listener was not the answer; the wait goes on.

    Attributes:
        unproven: the error in it, if it names one and nothing shows whose it is.
    """

    reason: str
    count: int
    unproven: str = ""


class TunnelTested(Struct, frozen=True):
    """The listener's test page was reached, by way of `family`: the browser can come back."""

    family: str


class StageEnded(Struct, frozen=True):
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


class ProcessStarted(Struct, frozen=True):
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


class LinkShown(Struct, frozen=True):
    """cloudflared shows the link that the user has to open, here or on any machine."""

    url: str


class OtherProcessWaiting(Struct, frozen=True):
    """Another cloudflared waits for the same login; its number."""

    pid: int


class PrintedLine(Struct, frozen=True):
    """A line that cloudflared printed, safe to show."""

    line: str


CloudflaredEvent = ProcessStarted | LinkShown | OtherProcessWaiting | PrintedLine
