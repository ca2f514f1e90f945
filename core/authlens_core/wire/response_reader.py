"""What comes of a request: its answer, read within limits, or why there is none.

Nothing that a server sends fills the memory. What came is kept up to the moment something went wrong: an
inspector is most useful when an answer is bad. The texts of HTTP libraries hold whole URLs, and they differ
from version to version: why there is no answer is said by the kind of the error and its step, never by them.

"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import field, replace
from typing import Any, Final

import h11

from authlens_core.values.exchange import FailureKind, Headers, Request, Response, WireFailure
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Body
from authlens_core.wire.addresses import AddressRefused
from authlens_core.wire.limits import Limits
from authlens_core.wire.proxy_settings import Proxy, ProxyUnusable
from authlens_core.wire.transport_events import Observation, TransportPhase
from authlens_core.wire.trust import TrustUnusable, explain_certificate

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
    named = ",".join(fields.get_all("content-encoding")).lower().split(",")
    # Not decoded even if it could be: a record then shows what was not sent.
    foreign = [name.strip() for name in named if name.strip() not in {"", "identity"}]
    if not foreign:
        return None
    names = ", ".join(foreign)
    cause = f"{host} compressed its response ({names}), although authlens did not ask for that."
    cure = "The server must honour Accept-Encoding: identity."
    return WireFailure(FailureKind.ENCODING, cause, cure, may_have_arrived=True)


_ERRNO: Final = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.EHOSTUNREACH: "the host cannot be reached",
    errno.ETIMEDOUT: "it did not answer",
    errno.ECONNRESET: "the connection was reset",
    errno.EACCES: "this machine does not allow it",
    errno.EMFILE: "this process has too many open files",
}
_UNKNOWN_OUTCOME: Final = "Try again. The server may have acted on it; check before you send it again."
_NOT_SENT: Final = "Nothing was sent; try again."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that led to it, group members included; bounded."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    # Chains of errors can be circles, by `raise … from`.
    while waiting and len(seen) < 50:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        # httpcore ends with `raise error from None`, so the context says what `__cause__` no longer does.
        cause = current.__cause__ or current.__context__
        if cause is not None:
            waiting.append(cause)


def _retry(observed: Observation) -> str:
    return _UNKNOWN_OUTCOME if observed.sent else _NOT_SENT


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
    cause = f"After {seconds:g} s still {doing} {host}; authlens gave up."
    return WireFailure(FailureKind.TIMEOUT, cause, _retry(observed), may_have_arrived=observed.sent)


def proxy_failure(error: BaseException, host: str, proxy: str, observed: Observation) -> WireFailure:
    """Return the failure of a proxy that could not be reached or did not let the request through."""
    status = observed.tunnel_status
    for link in _chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return WireFailure(FailureKind.PROXY, *explain_certificate(link, f"the proxy {proxy}"))
    if status == 407:
        cause = f"The proxy {proxy} requires a user name and password (407)."
        return WireFailure(
            FailureKind.PROXY, cause, "Write user name and password before the proxy's host in HTTPS_PROXY."
        )
    if status is not None:
        cause = f"The proxy {proxy} refused the connection to {host} ({status})."
        cure = f"Ask the proxy's owner to allow {host}, or add it to NO_PROXY."
        return WireFailure(FailureKind.PROXY, cause, cure)
    cause = f"The proxy {proxy} could not be used to reach {host}."
    return WireFailure(FailureKind.PROXY, cause, f"Check HTTPS_PROXY, or add {host} to NO_PROXY.")


def _tls(error: ssl.SSLError, host: str, observed: Observation) -> WireFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        cause, cure = explain_certificate(error, host)
        return WireFailure(FailureKind.TLS, cause, cure)
    reason = getattr(error, "reason", None) or ""
    # What OpenSSL's versions say of an answer that is not TLS, which is mostly plain HTTP.
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}:
        cause = f"{host} does not speak TLS on this port: it is not an HTTPS server."
        return WireFailure(FailureKind.TLS, cause, "Check the port of the address.")
    if "CERTIFICATE_REQUIRED" in reason:
        cause = f"{host} requires a client certificate, which authlens does not support."
        cure = "Use an address of the server that asks for a login instead."
        return WireFailure(FailureKind.TLS, cause, cure, may_have_arrived=observed.sent)
    if "VERSION" in reason or "UNSUPPORTED_PROTOCOL" in reason:
        cause = f"{host} offers only TLS versions that are no longer safe."
        return WireFailure(FailureKind.TLS, cause, "The server must offer TLS 1.2 or later.")
    if observed.sent:
        cause = f"The TLS connection to {host} broke."
        return WireFailure(FailureKind.TLS, cause, _UNKNOWN_OUTCOME, may_have_arrived=True)
    named = reason.replace("_", " ").lower() if reason.replace("_", "").isalnum() else ""
    cause = f"{host} and this machine could not negotiate TLS{': ' + named if named else ''}."
    return WireFailure(
        FailureKind.TLS, cause, "Check that the address and port are those of an HTTPS server."
    )


def _protocol(text: str, host: str) -> WireFailure:
    # h11's own words are compared with, never shown.
    if "too long" in text or "too big" in text:
        cause = f"The header of the answer from {host} is too large."
        cure = "The server's owner has to shorten it."
        return WireFailure(FailureKind.TOO_LARGE, cause, cure, may_have_arrived=True)
    if "without sending a response" in text or "closed connection" in text:
        cause = f"{host} closed the connection before the answer was complete."
        return WireFailure(FailureKind.PROTOCOL, cause, _UNKNOWN_OUTCOME, may_have_arrived=True)
    cause = f"{host} sent a response that is not HTTP/1.1."
    cure = "Check that the address and port are those of a web server."
    return WireFailure(FailureKind.PROTOCOL, cause, cure, may_have_arrived=True)


def _operating_system(error: OSError, host: str, observed: Observation) -> WireFailure:
    if isinstance(error, socket.gaierror):
        cause = f"DNS lookup failed: {host} was not found."
        return WireFailure(FailureKind.NAME, cause, "Check the spelling, and that DNS and VPN work.")
    why = _ERRNO.get(error.errno or 0)
    if observed.sent:
        cause = f"The connection to {host} broke{': ' + why if why else ''}."
        return WireFailure(FailureKind.CONNECT, cause, _UNKNOWN_OUTCOME, may_have_arrived=True)
    if observed.step is TransportPhase.TLS:
        cause = f"{host} closed the connection during the TLS handshake."
        return WireFailure(
            FailureKind.TLS, cause, "Check that the address and port are those of an HTTPS server."
        )
    cause = f"No connection to {host}{': ' + why if why else ''}."
    return WireFailure(FailureKind.CONNECT, cause, "Check address, port and network.")


def _address(error: AddressRefused, host: str) -> WireFailure:
    cause = (
        f"{host} resolves to {error.address}, an address that this request must not use. Nothing was sent."
    )
    cure = "A server on the internet should never name such an address. Ask its owner."
    return WireFailure(FailureKind.ADDRESS, cause, cure)


def _unsendable(host: str, observed: Observation) -> WireFailure:
    cause = f"The request to {host} is not valid HTTP, so it was not sent."
    if observed.sent:
        cause = f"The request to {host} is not valid HTTP, so only part of it was sent."
    cure = "Check the method and the header fields of the request."
    return WireFailure(FailureKind.PROTOCOL, cause, cure, may_have_arrived=observed.sent)


def _named(error: BaseException, host: str, observed: Observation) -> WireFailure | None:
    """Return the failure that one link of the chain explains, or None."""
    match error:
        case AddressRefused():
            return _address(error, host)
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
            cause = f"{host} did not answer in time."
            return WireFailure(FailureKind.TIMEOUT, cause, _retry(observed), may_have_arrived=observed.sent)
    return None


def explain(error: BaseException, host: str, observed: Observation) -> WireFailure:
    """Return the failure that `error` means.

    Args:
        error: what the HTTP library or the operating system raised.
        host: `host` or `host:port` that was asked for, safe to show.
    """
    chain = list(_chain(error))
    for link in chain:
        failure = _named(link, host, observed)
        if failure is not None:
            return failure
    # httpcore's own error for a connection that ends before any answer; no error of h11 is below it.
    if "without sending a response" in str(error):
        return _protocol(str(error), host)
    # The deepest one knows the reason; the ones above it only say that every attempt failed.
    systems = [link for link in chain if isinstance(link, OSError)]
    if systems or observed.step is not TransportPhase.PREPARE:
        known = [link for link in systems if isinstance(link, socket.gaierror) or link.errno in _ERRNO]
        return _operating_system((known or systems or [OSError()])[-1], host, observed)
    return _unsendable(host, observed)
