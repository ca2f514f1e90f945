"""`Wire`: the one sender. Every request authlens makes leaves through here.

It speaks to httpx's transport and not to its client: the client follows redirects, keeps cookies, reads
`.netrc`, turns user info into credentials and decodes bodies without a bound, and what is not there needs no
switching off. A request is sent once: nothing is retried, redirected or replayed here.

Every exchange of `send` has a connection of its own. What a server sends too much can then never be taken
for the answer to the next request, and a POST never meets a connection that is just being closed, which
would leave its outcome unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self, cast

from msgspec.structs import replace

from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, WireFailure
from authlens_core.values.url import Url, UrlRefused, parse_url
from authlens_core.values.version import VERSION
from authlens_core.wire.addresses import (
    AddressPolicy,
    AddressRefused,
    Resolver,
    is_global,
    is_loopback,
    require_public,
    resolve,
)
from authlens_core.wire.httpx_loading import load_httpx
from authlens_core.wire.limits import METADATA, Limits
from authlens_core.wire.proxy_settings import Proxy, ProxyUnusable, proxy_for
from authlens_core.wire.response_reader import (
    PendingExchange,
    deadline_failure,
    decoded,
    failure_of,
    proxy_failure,
    receive,
)
from authlens_core.wire.streaming import (
    STREAM_TIMEOUTS,
    StreamedRequest,
    StreamedResponse,
    StreamFailed,
)
from authlens_core.wire.transport_events import Observation
from authlens_core.wire.trust import TrustUnusable, observe_refusals, trusted

if TYPE_CHECKING:
    import httpx

# The product of the User-Agent (RFC 9110 §10.1.5).
_PRODUCT: Final = f"authlens/{VERSION}"
_PARTS: Final = ("connection", "http11", "http2", "proxy", "socks")
# As many as an agent with several tools has calls at once; a new connection costs a handshake.
_KEPT_FOR_STREAMS: Final = 32  # idle connections
_LOGGERS: Final = ("httpx", "httpcore", *(f"httpcore.{name}" for name in _PARTS))


def _silence_loggers() -> None:
    """Keep URLs and header fields, which the libraries log at DEBUG, out of every log."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        # Not a level: a program that configures logging to DEBUG would undo it.
        logger.disabled = True
        logger.propagate = False


def _load_anyio() -> None:
    """Load what httpcore uses of anyio, whose asyncio backend is loaded by the first call."""
    import anyio

    import authlens_core.wire.transport  # noqa: F401 - with what it takes of anyio

    anyio.run(anyio.sleep, 0)


class Wire:
    """Sends requests and records what happened, good or bad. Use as an async context manager.

    Args:
        ssl_context: whom to trust; None builds that of `trust.trusted` on first use.
        environ: where `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` are read; None means
            the process's environment and the operating system's proxy settings.
        resolver: turns names into addresses for the `PUBLIC_ONLY` check; tests give their own.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        environ: Mapping[str, str] | None = None,
        resolver: Resolver = resolve,
        note: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        self._ssl_context = ssl_context
        self._environ = environ
        self._resolver = resolver
        self._note = note
        self._transports: dict[tuple[Proxy | None, bool], httpx.AsyncBaseTransport] = {}
        # Two first requests at once would read the certificates twice, and one pool would be lost unclosed.
        self._building = asyncio.Lock()
        self._trusted: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. The object can be used again afterwards."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    async def warm_up(self) -> None:
        """Do now what the first request would do first: import httpx, read the trusted certificates.

        Call it while the user reads, so that no time of ours is taken for the server's. What cannot be done
        is left to the first request, which reports it.
        """
        await load_httpx()
        await asyncio.to_thread(_load_anyio)
        with contextlib.suppress(*_errors()):
            await self._transport(None)

    async def send(
        self,
        request: Request,
        *,
        limits: Limits = METADATA,
        loopback_http: bool = False,
        addresses: AddressPolicy = AddressPolicy.ANY,
        purpose: Purpose = Purpose.OTHER,
    ) -> Exchange:
        """Send `request` once and return what happened. Raises nothing but `asyncio.CancelledError`.

        Args:
            request: what to send. `Host`, `User-Agent`, `Accept`, `Accept-Encoding` and `Content-Length`
                are added; the exchange holds the request with all of them.
            limits: deadline and caps.
            loopback_http: allow plain `http` to this machine, for the emulator and development.
            addresses: `PUBLIC_ONLY` for a URL that a public server named (RFC 9728 §7.7).
        """
        started_at, clock = datetime.now(UTC), time.perf_counter()
        attempt = PendingExchange(request, host="the server", limits=limits)
        failure: WireFailure | None
        try:
            url = parse_url(request.url, loopback_http=loopback_http)
        except UrlRefused as refused:
            cause = f"The address was refused: {refused}."
            failure = WireFailure(FailureKind.URL, cause, "Nothing was sent; correct the address.")
        else:
            failure = await self._bounded(attempt, url, addresses)
        now = time.perf_counter()
        exchange = Exchange(
            request=attempt.request,
            response=attempt.answer(),
            failure=failure,
            started_at=started_at,
            elapsed=now - clock,
            timings=attempt.observed.timings(now),
            peer=attempt.observed.peer,
            proxy=attempt.proxy.display if attempt.proxy else None,
            tls=attempt.observed.tls,
            purpose=purpose,
        )
        self._note(exchange)
        return exchange

    async def _bounded(
        self, attempt: PendingExchange, url: Url, addresses: AddressPolicy
    ) -> WireFailure | None:
        """Run one attempt inside its deadline; turn everything that goes wrong into a failure."""
        await load_httpx()
        seconds = attempt.limits.deadline
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self._attempt(attempt, url, addresses)
        except _errors() as error:
            # What goes wrong while the connection closes does not undo an answer.
            if attempt.ended:
                return attempt.failure
            # Next: whatever error the cancelled work ended in, the deadline was the reason.
            if deadline.expired():
                return deadline_failure(attempt.host_and_proxy, seconds, attempt.observed)
            return _failure(error, attempt.host, attempt.proxy, attempt.observed)

    async def _attempt(
        self, attempt: PendingExchange, url: Url, addresses: AddressPolicy
    ) -> WireFailure | None:
        import httpx

        attempt.host = url.origin.partition("://")[2]
        host, port = url.address
        attempt.proxy = proxy_for(url.scheme, host, port, self._environ)
        if addresses is AddressPolicy.PUBLIC_ONLY:
            # Behind a proxy it is the proxy that looks names up; an address can be judged all the same.
            resolver = _timed(self._resolver, attempt.observed)
            await require_public(host, port, _no_lookup if attempt.proxy else resolver)
        attempt.observed.judge = _judge(url.scheme, addresses, attempt.proxy)
        prepared = self._prepare(attempt, httpx.URL(url.text))
        # A connection of its own for each request (`idle=0`): a response that was smuggled into an old one
        # (RFC 9112 §11) would be read as the next answer.
        transport = await self._transport(attempt.proxy)
        try:
            response = await transport.handle_async_request(prepared)
            async with contextlib.aclosing(response):
                # Not `aiter_raw`, which closes the connection before it reports the end of the body.
                chunks = aiter(cast("httpx.AsyncByteStream", response.stream))
                attempt.failure = await receive(
                    attempt,
                    response.status_code,
                    response.headers.raw,
                    extensions=response.extensions,
                    chunks=chunks,
                )
                attempt.ended = True
                return attempt.failure
        finally:
            await attempt.observed.hang_up()

    def _prepare(self, attempt: PendingExchange, target: httpx.URL) -> httpx.Request:
        """Return the request for the transport, and record it with every header field it will have.

        Raises:
            ValueError: a header field cannot be written as latin-1.
            h11.LocalProtocolError: the request is not valid HTTP.
        """
        import h11
        import httpx

        request = attempt.request
        caller_fields = [pair for pair in request.headers.fields if pair[0].lower() != "accept-encoding"]
        names = {name.lower() for name, _ in caller_fields}
        default_fields = [("User-Agent", _PRODUCT), ("Accept", "*/*")]
        fields = [pair for pair in default_fields if pair[0].lower() not in names]
        # Nothing compressed is asked for: a record shows the bytes of the body, and a small answer cannot
        # become a gigabyte.
        fields += [("Accept-Encoding", "identity"), *caller_fields]
        prepared = httpx.Request(
            request.method,
            target,
            headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in fields],
            content=request.body.reveal(),
            extensions={
                "trace": attempt.observed,
                "lookup": attempt.observed.lookup,
                # One deadline bounds all of it. A limit for each read would let a server send a byte a
                # minute.
                "timeout": {"connect": attempt.limits.connect, "read": None, "write": None, "pool": None},
            },
        )
        # httpcore asks h11 only after it has connected. Asked here, what is not valid HTTP opens no
        # connection.
        h11.Request(method=prepared.method, target=target.raw_path, headers=prepared.headers.raw)
        sent = f"{target.scheme}://{target.netloc.decode('ascii')}{target.raw_path.decode('ascii')}"
        attempt.request = replace(request, url=sent, headers=decoded(prepared.headers.raw))
        return prepared

    @contextlib.asynccontextmanager
    async def stream(self, request: StreamedRequest) -> AsyncIterator[StreamedResponse]:
        """Send a request whose body and answer pass through without being held, recorded or cut.

        For programs that speak to the resource through authlens. Connections are reused. Nothing is
        redirected or sent again.

        Raises:
            StreamFailed: there is no answer; the body raises it too where it breaks off.
        """
        await load_httpx()
        import httpx

        url, observed = request.origin, Observation()
        try:
            proxy = proxy_for(url.scheme, *url.address, self._environ)
        except ProxyUnusable as error:
            raise StreamFailed(failure_of(error, url.host, observed)) from None
        observed.judge = _judge(url.scheme, AddressPolicy.ANY, proxy)
        prepared = httpx.Request(
            request.method,
            httpx.URL(url.origin),
            headers=list(request.fields),
            content=b"" if request.body is None else request.body,
            extensions={"trace": observed, "timeout": STREAM_TIMEOUTS, "target": request.target},
        )

        def failed(error: BaseException) -> StreamFailed:
            return StreamFailed(_failure(error, url.host, proxy, observed))

        try:
            transport = await self._transport(proxy, reuse=True)
            answer = await transport.handle_async_request(prepared)
        except asyncio.CancelledError:
            await observed.hang_up()
            raise
        except _errors() as error:
            await observed.hang_up()
            raise failed(error) from None
        async with contextlib.aclosing(answer):
            yield StreamedResponse(
                answer.status_code,
                tuple(answer.headers.raw),
                _translated(answer.aiter_raw(), failed),
                answer.extensions.get("network_stream"),
            )

    async def _transport(self, proxy: Proxy | None, *, reuse: bool = False) -> httpx.AsyncBaseTransport:
        """Return the transport through `proxy`, or the direct one; made on first use."""
        async with self._building:
            context = self._trusted or await self._build_trust()
            key = (proxy, reuse)
            if key not in self._transports:
                from authlens_core.wire.transport import Transport

                idle = _KEPT_FOR_STREAMS if reuse else 0
                self._transports[key] = Transport(context, _for_httpx(proxy, context), idle=idle)
            return self._transports[key]

    async def _build_trust(self) -> ssl.SSLContext:
        context = self._ssl_context
        if context is None:
            context = (await asyncio.to_thread(trusted, self._environ))[0]
        observe_refusals(context)
        _silence_loggers()
        self._trusted = context
        return context


def _errors() -> tuple[type[BaseException], ...]:
    """Return everything that the libraries raise where an exchange fails."""
    import anyio
    import h11
    import httpx

    return (
        *(httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, h11.ProtocolError, AddressRefused),
        *(ProxyUnusable, TrustUnusable, OSError, ValueError, EOFError, RuntimeError),
        *(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream),
    )


def _failure(error: BaseException, host: str, proxy: Proxy | None, observed: Observation) -> WireFailure:
    if proxy is not None and observed.at_proxy:
        return proxy_failure(error, host, proxy.display, observed)
    return failure_of(error, host, observed)


async def _translated(
    chunks: AsyncIterator[bytes], failed: Callable[[BaseException], StreamFailed]
) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except _errors() as error:
        raise failed(error) from None


def _timed(resolver: Resolver, observed: Observation) -> Resolver:
    async def resolve(host: str, port: int) -> Sequence[str]:
        with observed.lookup():
            return await resolver(host, port)

    return resolve


async def _no_lookup(_host: str, _port: int) -> Sequence[str]:
    return ()


def _for_httpx(proxy: Proxy | None, context: ssl.SSLContext) -> httpx.Proxy | None:
    import httpx

    if proxy is None:
        return None
    auth = None
    if proxy.username is not None and proxy.password is not None:
        auth = (proxy.username.reveal(), proxy.password.reveal())
    return httpx.Proxy(proxy.url, auth=auth, ssl_context=context if proxy.scheme == "https" else None)


def _judge(scheme: str, addresses: AddressPolicy, proxy: Proxy | None) -> Callable[[str], bool] | None:
    """Return what the connected address has to satisfy, or None for anything."""
    # The connected address is the proxy's, which the user chose.
    if proxy is not None:
        return None
    # `parse_url` let the name pass; `localhost` may still resolve to another machine.
    if scheme == "http":
        # Plain http is for this machine alone, and what the name meant a moment ago proves nothing.
        return is_loopback
    return is_global if addresses is AddressPolicy.PUBLIC_ONLY else None
