"""The result of a request: its answer, read within limits, or why there is none.

Nothing that a server sends fills the memory. What came is kept up to the moment something went wrong: an
inspector is most useful when an answer is bad. The texts of HTTP libraries hold whole URLs, and they differ
from version to version: the reason for a missing answer comes from the kind of the error and its step alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import h11
from msgspec import Struct, field
from msgspec.structs import replace

from authlens_core.values.exchange import EVENT_STREAM, FailureKind, Headers, Request, Response, WireFailure
from authlens_core.values.secret import Body, Unprinted
from authlens_core.values.word_files import words
from authlens_core.wire.addresses import AddressRefused
from authlens_core.wire.limits import Limits
from authlens_core.wire.proxy_settings import Proxy, ProxyUnusable
from authlens_core.wire.transport_events import Observation, TransportPhase
from authlens_core.wire.trust import TrustUnusable, explain_certificate

_EVENT_ENDS: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
# Read before they are needed: one of the failures is that this process can open no more files.
_WORDS: Final = words("no_answer")
_UNKNOWN_OUTCOME: Final = "Try again. The server may have acted on it; check before you send it again."
_NOT_SENT: Final = "Nothing was sent; try again."
RawFields = Sequence[tuple[bytes, bytes]]


class PendingExchange(Unprinted, Struct):
    """An exchange in progress, with all that is known of it so far, so that a failure loses nothing.

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
    body: bytearray = bytearray()
    complete: bool = False
    ended: bool = False
    failure: WireFailure | None = None

    @property
    def host_and_proxy(self) -> str:
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
    headers, failure = _bounded_fields(attempt, fields)
    attempt.response = Response(
        status=status,
        reason=extensions.get("reason_phrase", b"").decode("latin-1"),
        headers=headers,
        http_version=extensions.get("http_version", b"HTTP/1.1").decode("latin-1"),
    )
    if failure is None:
        if attempt.limits.event_wait is not None and attempt.response.media_type == EVENT_STREAM:
            await _receive_event(attempt, chunks, attempt.limits.event_wait)
        else:
            failure = await _receive_body(attempt, chunks)
    if failure is None and attempt.body:
        failure = _foreign_encoding(attempt.host, headers)
    return failure


def _failure(
    kind: FailureKind, entry: str, host: str, *, arrived: bool = False, **values: object
) -> WireFailure:
    """Return the failure in the words of `entry` in `words/no_answer.json`.

    Args:
        arrived: whether the request, or a part of it, left this machine.
    """
    values |= {"host": host, "retry": _UNKNOWN_OUTCOME if arrived else _NOT_SENT}
    cause, cure = (_WORDS[entry][key].format_map(values) for key in ("cause", "cure"))
    return WireFailure(kind, cause, cure, may_have_arrived=arrived)


def _bounded_fields(attempt: PendingExchange, raw: RawFields) -> tuple[Headers, WireFailure | None]:
    """Return the header fields that are within the limits, and the failure if there are more."""
    limits, size = attempt.limits, 0
    for index, (name, value) in enumerate(raw):
        # Colon, space, and the end of the line.
        size += len(name) + len(value) + 4
        if index >= limits.header_count or size > limits.header_bytes:
            bounds = f"{limits.header_count} fields and {limits.header_bytes // 1024} KiB"
            large = _failure(
                FailureKind.TOO_LARGE, "too_many_fields", attempt.host, arrived=True, kept=bounds
            )
            return decoded(raw[:index]), large
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
            kibibytes = limit // 1024
            return _failure(
                FailureKind.TOO_LARGE, "body_too_large", attempt.host, arrived=True, limit=kibibytes
            )
        count += 1
        if count % 256 == 0:  # a flood of tiny chunks must not keep the screen from being drawn
            await asyncio.sleep(0)
    attempt.complete = True
    return None


async def _receive_event(attempt: PendingExchange, chunks: AsyncIterator[bytes], seconds: float) -> None:
    """Read the first event if it comes in time. The stream may go on forever, so that is not a failure."""
    limit, body = attempt.limits.body, attempt.body
    with contextlib.suppress(TimeoutError):
        # Streams of MCP stay open between messages; the first event is enough to say that the token was
        # accepted.
        async with asyncio.timeout(seconds):
            async for chunk in chunks:
                body += chunk[: limit - len(body)]
                if len(body) >= limit or any(end in body for end in _EVENT_ENDS):
                    return
            attempt.complete = True


def _foreign_encoding(host: str, fields: Headers) -> WireFailure | None:
    """Return the failure of a compressed answer: identity was asked for, and bombs are made this way."""
    encodings = ",".join(fields.get_all("content-encoding")).lower().split(",")
    # Not decoded even if it could be: a record then shows what was not sent.
    foreign = [name.strip() for name in encodings if name.strip() not in {"", "identity"}]
    if not foreign:
        return None
    return _failure(FailureKind.ENCODING, "compressed", host, arrived=True, names=", ".join(foreign))


_ERRNO: Final = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ETIMEDOUT: "it did not answer",
    errno.ECONNRESET: "the connection was reset",
    errno.EACCES: "this machine does not allow it",
    errno.EMFILE: "this process has too many open files",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that led to it, group members included; bounded."""
    waiting: list[BaseException] = [error]
    visited: set[int] = set()
    # Chains of errors can be circles, by `raise … from`.
    while waiting and len(visited) < 50:
        current = waiting.pop(0)
        if id(current) in visited:
            continue
        visited.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        # httpcore ends with `raise error from None`, so the context says what `__cause__` no longer does.
        cause = current.__cause__ or current.__context__
        if cause is not None:
            waiting.append(cause)


def deadline_failure(host: str, seconds: float, observed: Observation) -> WireFailure:
    doing = {
        TransportPhase.PREPARE: "looking up",
        TransportPhase.CONNECT: "connecting to",
        TransportPhase.TLS: "negotiating TLS with",
        TransportPhase.TUNNEL: "asking the proxy for",
        TransportPhase.SEND: "sending to",
        TransportPhase.WAIT: "waiting for",
        TransportPhase.RECEIVE: "reading the answer of",
    }[observed.step]
    duration = f"{seconds:g}"
    return _failure(
        FailureKind.TIMEOUT, "deadline", host, arrived=observed.sent, seconds=duration, doing=doing
    )


def proxy_failure(error: BaseException, host: str, proxy: str, observed: Observation) -> WireFailure:
    """Return the failure of a proxy that could not be reached or did not let the request through."""
    status = observed.tunnel_status
    for link in _chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return WireFailure(FailureKind.PROXY, *explain_certificate(link, f"the proxy {proxy}"))
    if status == 407:
        return _failure(FailureKind.PROXY, "proxy_credentials", host, proxy=proxy)
    entry = "proxy_unusable" if status is None else "proxy_refused"
    return _failure(FailureKind.PROXY, entry, host, proxy=proxy, status=status)


def _tls(error: ssl.SSLError, host: str, observed: Observation) -> WireFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return WireFailure(FailureKind.TLS, *explain_certificate(error, host))
    reason = getattr(error, "reason", None) or ""
    # What OpenSSL's versions say of an answer that is not TLS, which is mostly plain HTTP.
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}:
        return _failure(FailureKind.TLS, "no_tls", host)
    if "CERTIFICATE_REQUIRED" in reason:
        return _failure(FailureKind.TLS, "client_certificate", host, arrived=observed.sent)
    if "VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        return _failure(FailureKind.TLS, "old_tls", host)
    if observed.sent:
        return _failure(FailureKind.TLS, "tls_broke", host, arrived=True)
    detail = reason.replace("_", " ").lower() if reason.replace("_", "").isalnum() else ""
    return _failure(FailureKind.TLS, "no_handshake", host, why=detail and f": {detail}")


def _protocol(text: str, host: str) -> WireFailure:
    # h11's own words are compared with, never shown.
    if "too long" in text or "too big" in text:
        return _failure(FailureKind.TOO_LARGE, "header_too_large", host, arrived=True)
    if "without sending a response" in text or "closed connection" in text:
        return _failure(FailureKind.PROTOCOL, "closed_early", host, arrived=True)
    return _failure(FailureKind.PROTOCOL, "not_http", host, arrived=True)


def _operating_system(error: OSError, host: str, observed: Observation) -> WireFailure:
    if isinstance(error, socket.gaierror):
        return _failure(FailureKind.NAME, "unknown_host", host)
    reason = _ERRNO.get(error.errno or 0, "")
    why = reason and f": {reason}"
    if observed.sent:
        return _failure(FailureKind.CONNECT, "connection_broke", host, arrived=True, why=why)
    if observed.step is TransportPhase.TLS:
        return _failure(FailureKind.TLS, "handshake_closed", host)
    return _failure(FailureKind.CONNECT, "no_connection", host, why=why)


def _unsendable(host: str, observed: Observation) -> WireFailure:
    entry = "unsendable_in_part" if observed.sent else "unsendable"
    return _failure(FailureKind.PROTOCOL, entry, host, arrived=observed.sent)


def _link_failure(error: BaseException, host: str, observed: Observation) -> WireFailure | None:
    """Return the failure that one link of the chain explains, or None."""
    match error:
        case AddressRefused():
            return _failure(FailureKind.ADDRESS, "forbidden_address", host, address=error.address)
        case ProxyUnusable():
            return WireFailure(FailureKind.PROXY, str(error), "Correct or unset it.")
        case TrustUnusable():
            return WireFailure(FailureKind.TLS, str(error), "Correct or unset it.")
        case h11.LocalProtocolError() | UnicodeEncodeError():
            return _unsendable(host, observed)
        case h11.RemoteProtocolError():
            return _protocol(str(error), host)
        # They say only that the connection ended. At which step it did is known to `_operating_system`.
        case ssl.SSLWantReadError() | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return None
        case ssl.SSLError():
            return _tls(error, host, observed)
        # With an errno it is the kernel's ETIMEDOUT: no connection, which is said with its reason.
        case TimeoutError() if error.errno is None:
            return _failure(FailureKind.TIMEOUT, "late", host, arrived=observed.sent)
    return None


def failure_of(error: BaseException, host: str, observed: Observation) -> WireFailure:
    """Return the failure that `error` means.

    Args:
        error: what the HTTP library or the operating system raised.
        host: `host` or `host:port` that was asked for, safe to show.
    """
    chain = list(_chain(error))
    for link in chain:
        failure = _link_failure(link, host, observed)
        if failure is not None:
            return failure
    # httpcore's own error for a connection that ends before any answer; no error of h11 is below it.
    if "without sending a response" in str(error):
        return _protocol(str(error), host)
    # The deepest one knows the reason; the ones above it only say that every attempt failed.
    systems = [link for link in chain if isinstance(link, OSError)]
    if systems or observed.step is not TransportPhase.PREPARE:
        explained = [link for link in systems if isinstance(link, socket.gaierror) or link.errno in _ERRNO]
        return _operating_system((explained or systems or [OSError()])[-1], host, observed)
    return _unsendable(host, observed)
