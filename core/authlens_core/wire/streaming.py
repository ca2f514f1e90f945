"""Requests and answers that pass through as streams: for the proxy and the MCP bridge, which hold neither."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, Protocol

from msgspec import Struct

from authlens_core.values.exchange import WireFailure
from authlens_core.values.secret import Unprinted
from authlens_core.values.url import Url

RawField = tuple[bytes, bytes]

# Seconds without any progress. An event stream may be silent for minutes; a deadline would end it.
STREAM_TIMEOUTS: Final = {"connect": 10.0, "read": 900.0, "write": 60.0, "pool": 30.0}


class NetworkStream(Protocol):
    """The bare connection after `101 Switching Protocols`."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - theirs
        """Return what has arrived; empty at the end."""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - theirs
        """Send bytes."""

    async def aclose(self) -> None:
        """Close the connection."""


class StreamedRequest(Unprinted, Struct, frozen=True):
    """A request to pass on.

    Attributes:
        origin: where it goes; only scheme, host and port count.
        target: path and query, raw: a path that a strict parser would refuse is the resource's own matter.
        fields: every header field, raw, `Host` and the framing (`Content-Length` or `Transfer-Encoding`)
            included.
        body: the chunks of the body; None without one.
    """

    method: str
    origin: Url
    target: bytes
    fields: tuple[RawField, ...]
    body: AsyncIterable[bytes] | None = None


class StreamedResponse(Unprinted, Struct, frozen=True):
    """The head of an answer, and its body as it arrives, not decoded.

    Attributes:
        fields: every header field, raw.
        connection: the bare connection; only to be used after status 101.
    """

    status: int
    fields: tuple[RawField, ...]
    body: AsyncIterator[bytes]
    connection: NetworkStream | None = None

    @property
    def media_type(self) -> str:
        """The media type in lower case without parameters, or the empty string; text from outside."""
        return self.get("content-type").partition(";")[0].strip().lower()

    def get(self, name: str) -> str:
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> tuple[str, ...]:
        lower_name = name.lower().encode("ascii")
        return tuple(v.decode("latin-1") for n, v in self.fields if n.lower() == lower_name)


class StreamFailed(Exception):
    """There is no answer, or it broke off; `failure` says why."""

    def __init__(self, failure: WireFailure) -> None:
        super().__init__(failure.cause)
        self.failure = failure
