"""Reading an answer within its limits, so that nothing a server sends fills the memory.

What came is kept up to the moment something went wrong: an inspector is most useful when an answer is bad.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import field, replace
from typing import Any, Final

from authlens_core.values.exchange import FailureKind, Headers, Request, Response, WireFailure
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body
from authlens_core.wire.limits import Limits
from authlens_core.wire.proxy_settings import Proxy
from authlens_core.wire.transport_events import Observation

_EVENT_STREAM: Final = "text/event-stream"
_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
RawFields = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True, repr=False)
class PendingExchange:
    """One exchange in the making: what is known of it at any moment, so that a failure loses nothing.

    Attributes:
        complete: true once the last byte of the body was read.
        ended: true once nothing more is read, because of the end or of `failure`.
    """

    request: Request
    host: str
    limits: Limits
    observed: Observation = field(default_factory=Observation)
    proxy: Proxy | None = None
    response: Response | None = None
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    ended: bool = False
    failure: WireFailure | None = None

    @property
    def named(self) -> str:
        return f"{self.host} through the proxy {self.proxy.display}" if self.proxy else self.host

    def answer(self) -> Response | None:
        """Return the response as far as it came."""
        if self.response is None:
            return None
        return replace(self.response, body=Body(bytes(self.body), truncated=not self.complete))


def decoded(raw: RawFields) -> Headers:
    """Return header fields as text; latin-1 keeps every byte (RFC 9110 §5.5)."""
    return Headers.of((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


async def receive(
    attempt: PendingExchange,
    status: int,
    fields: RawFields,
    extensions: dict[str, Any],
    chunks: AsyncIterator[bytes],
) -> WireFailure | None:
    """Take the answer into `attempt`, head first.

    Args:
        attempt: gets the response and its body as they come.
        fields: the header fields, raw.
        extensions: `reason_phrase` and `http_version`, as httpx names them.
        chunks: the body, not decoded.
    """
    kept, failure = _bounded_fields(attempt, fields)
    attempt.response = Response(
        status=status,
        reason=extensions.get("reason_phrase", b"").decode("latin-1"),
        headers=kept,
        http_version=extensions.get("http_version", b"HTTP/1.1").decode("latin-1"),
    )
    if failure is None:
        if attempt.limits.event_wait is not None and attempt.response.media_type == _EVENT_STREAM:
            await _receive_event(attempt, chunks, attempt.limits.event_wait)
        else:
            failure = await _receive_body(attempt, chunks)
    if failure is None and attempt.body:
        failure = _foreign_encoding(attempt.host, kept)
    return failure


def _too_large(cause: str, cure: str) -> WireFailure:
    return WireFailure(FailureKind.TOO_LARGE, cause, cure, may_have_arrived=True)


def _bounded_fields(attempt: PendingExchange, raw: RawFields) -> tuple[Headers, WireFailure | None]:
    """Return the header fields that are within the limits, and the failure if there are more."""
    limits, size = attempt.limits, 0
    for index, (name, value) in enumerate(raw):
        # Colon, space, and the end of the line.
        size += len(name) + len(value) + 4
        if index >= limits.header_count or size > limits.header_bytes:
            kept = f"{limits.header_count} fields and {limits.header_bytes // 1024} KiB"
            cause = f"The header of the answer from {attempt.host} is too large: authlens reads {kept}."
            return decoded(raw[:index]), _too_large(cause, "The server's owner has to shorten it.")
    return decoded(raw), None


async def _receive_body(attempt: PendingExchange, chunks: AsyncIterator[bytes]) -> WireFailure | None:
    limit, body = attempt.limits.body, attempt.body
    count = 0
    async for chunk in chunks:
        # One byte more than the limit, to tell an answer of exactly that length from a longer one.
        body += chunk[: limit - len(body) + 1]
        if len(body) > limit:
            del body[limit:]
            if attempt.limits.cut_body:
                return None
            cause = f"The answer of {attempt.host} is longer than {limit // 1024} KiB; the rest was not read."
            return _too_large(
                cause, "Check that the address is the right one; such a response is never that long."
            )
        count += 1
        if count % 256 == 0:  # a flood of tiny chunks must not keep the screen from being drawn
            await asyncio.sleep(0)
    attempt.complete = True
    return None


async def _receive_event(attempt: PendingExchange, chunks: AsyncIterator[bytes], seconds: float) -> None:
    """Read the first event if it comes in time. The stream may go on forever, so that is no failure."""
    limit, body = attempt.limits.body, attempt.body
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for chunk in chunks:
                body += chunk[: limit - len(body)]
                if len(body) >= limit or any(end in body for end in _EVENT_ENDS):
                    return
            attempt.complete = True


def _foreign_encoding(host: str, fields: Headers) -> WireFailure | None:
    """Return the failure of a compressed answer: identity was asked for, and bombs are made this way."""
    named = ",".join(fields.get_all("content-encoding")).lower().split(",")
    foreign = [name.strip() for name in named if name.strip() not in {"", "identity"}]
    if not foreign:
        return None
    names = ", ".join(foreign)
    cause = f"{host} compressed its response ({names}), although authlens did not ask for that."
    cure = "The server must honour Accept-Encoding: identity."
    return WireFailure(FailureKind.ENCODING, cause, cure, may_have_arrived=True)
