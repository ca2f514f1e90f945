"""An exchange: one request exactly as sent (RFC 9110 §6), what it was for, and what came back, good or bad.

Header fields keep their order, their case and their repetitions, because an inspector that merges two
`WWW-Authenticate` fields shows something that was never sent.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from authlens_core.values.errors import (
    AuthlensError,
    NetworkFailure,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.safe_text import safe_fields
from authlens_core.values.secret import Body, Unprinted


class Purpose(StrEnum):
    """What a request is for, as a label and as the value that is written to session files."""

    OTHER = ""
    RESOURCE = "resource without credential"
    RESOURCE_METADATA = "resource metadata"
    SERVER_METADATA = "server metadata"
    REGISTRATION = "client registration"
    LINK = "the link, opened without a session"
    TOKEN = "token request"  # noqa: S105 - a label
    TOKEN_AGAIN = "token request again"  # noqa: S105 - a label
    ACCESS = "resource with token"
    CREDENTIAL = "resource with credential"
    SERVICE_TOKEN = "resource with service token"  # noqa: S105 - a label
    CLOUDFLARED_TOKEN = "resource with the token of cloudflared"  # noqa: S105 - a label
    APPLICATION = "which application is this? (no credential)"
    PUSHED_AUTHORIZATION = "pushed authorization request"
    DEVICE_AUTHORIZATION = "device authorization"
    DEVICE_TOKEN = "device token request"  # noqa: S105 - a label
    TOKEN_EXCHANGE = "token exchange"  # noqa: S105 - a label
    REFRESH = "refresh"
    REFRESH_AGAIN = "refresh again"
    REVOKE_ACCESS_TOKEN = "revoke access_token"  # noqa: S105 - a label
    REVOKE_REFRESH_TOKEN = "revoke refresh_token"  # noqa: S105 - a label
    SIGNING_KEYS = "signing keys"

    @property
    def again(self) -> Purpose:
        """The same request, sent a second time to see whether the server refuses it."""
        return _AGAIN.get(self, self)

    @property
    def asks_provider(self) -> bool:
        """Whether it goes to an identity provider, and not to the server of the resource."""
        return self is Purpose.TOKEN_EXCHANGE

    @property
    def revokes(self) -> bool:
        return self in {Purpose.REVOKE_ACCESS_TOKEN, Purpose.REVOKE_REFRESH_TOKEN}

    @property
    def repeats(self) -> bool:
        """True for a request that was sent a second time on purpose."""
        return self in _AGAIN.values()


_AGAIN = {Purpose.TOKEN: Purpose.TOKEN_AGAIN, Purpose.REFRESH: Purpose.REFRESH_AGAIN}


JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
EVENT_STREAM: Final = "text/event-stream"
_LONGEST_IDENTIFIER: Final = 1_000  # characters
# Of methods, field names, schemes and parameter names (RFC 9110 §5.6.2).
TOKEN_CHARACTERS: Final = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")


def is_visible(text: str) -> bool:
    """Return whether `text` is ASCII without spaces and control characters; true for the empty string."""
    return text.isascii() and text.isprintable() and " " not in text


def can_be_sent_back(text: str) -> bool:
    """Return whether an identifier of a server fits into a header field: visible ASCII, of some length."""
    return 0 < len(text) <= _LONGEST_IDENTIFIER and is_visible(text)


class Headers(Unprinted, Struct, frozen=True):
    """Header fields in the order, case and number that they had; `repr` shows names only."""

    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Headers:
        return cls(tuple(pairs))

    def get(self, name: str) -> str | None:
        lower_name = name.lower()
        return next((value for key, value in self.fields if key.lower() == lower_name), None)

    def get_all(self, name: str) -> tuple[str, ...]:
        lower_name = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == lower_name)

    @property
    def media_type(self) -> str:
        """The media type in lower case without parameters (RFC 9110 §8.3), or the empty string."""
        return (self.get("content-type") or "").partition(";")[0].strip().lower()

    @property
    def is_form(self) -> bool:
        """Whether the body is labelled as a form."""
        return self.media_type == FORM_TYPE

    def __repr__(self) -> str:
        return f"<Headers {', '.join(name for name, _ in self.fields)!r}>"


def _without_query(url: str) -> str:
    try:
        # In links and on the callback, these hold the state and the code.
        return urlsplit(url)._replace(query="", fragment="").geturl()
    except ValueError:
        return "<unparsable>"


class Request(Unprinted, Struct, frozen=True):
    """A request before or after it was sent.

    `headers` is what the stage asks for; once sent, the exchange holds the complete fields.
    """

    method: str
    url: str
    headers: Headers = Headers()
    body: Body = Body()

    def __repr__(self) -> str:
        return f"<Request {self.method} {_without_query(self.url)!r} {self.headers!r} {self.body!r}>"


class Response(Unprinted, Struct, frozen=True):
    """A response as it was received. `reason` is the phrase of the status line, which a server may invent."""

    status: int
    reason: str = ""
    headers: Headers = Headers()
    body: Body = Body()
    http_version: str = "HTTP/1.1"

    @property
    def media_type(self) -> str:
        return self.headers.media_type

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.headers!r} {self.body!r}>"


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


class WireFailure(Struct, frozen=True):
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
    # Protocol, encoding and size are missing: they are the server's fault, hence the default.
    FailureKind.URL: UsageError,
}


# An imported record may lack both. Then it is unknown whether the server has acted.
_NOTHING_CAME: Final = WireFailure(
    FailureKind.CONNECT, "There was no answer.", "Try again.", may_have_arrived=True
)


class Timings(Struct, frozen=True):
    """Seconds spent in each phase; None where the phase did not happen (no TLS, or a failure before it).

    `connect` includes the lookup of the name where `dns` does not state it.
    """

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    send: float | None = None
    wait: float | None = None
    receive: float | None = None


class Exchange(Struct, frozen=True):
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
    timings: Timings = Timings()
    peer: str | None = None
    proxy: str | None = None
    tls: str | None = None
    purpose: Purpose = Purpose.OTHER

    @property
    def ended_at(self) -> datetime:
        return self.started_at + timedelta(seconds=self.elapsed)

    @property
    def status(self) -> int | None:
        """The status of the response, even of a partial one; None if there is none."""
        return None if self.response is None else self.response.status

    @property
    def complete_response(self) -> Response | None:
        """The response; None where only a part of it came, which decides nothing."""
        return self.response if self.failure is None else None

    @property
    def no_answer(self) -> WireFailure:
        """Why there is no complete answer, for the caller that got None for it."""
        return self.failure or _NOTHING_CAME
