"""`Wire`: the one sender. Every request authlens makes leaves through `Wire.send`.

A request is sent once: nothing is retried, redirected or replayed here. No cookie is kept, no `.netrc` read,
no body decoded: what is not there needs no switching off.

Every exchange has a connection of its own. What a server sends too much can then never be taken for the
answer to the next request, and a POST never meets a connection that is just being closed, which would leave
its outcome unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import h11

from authlens_core.oauth.http_message import Request
from authlens_core.oauth.url import Url, UrlRefused, parse_url
from authlens_core.wire.addresses import AddressPolicy, Resolver, address_judge, require_public, resolve
from authlens_core.wire.connection import Connection
from authlens_core.wire.exchange import Exchange, FailureKind, WireFailure
from authlens_core.wire.failures import ERRORS, deadline_failure, explain, proxy_failure
from authlens_core.wire.limits import METADATA, Limits
from authlens_core.wire.product import product
from authlens_core.wire.proxy import proxy_for
from authlens_core.wire.purpose import Purpose
from authlens_core.wire.response_reader import PendingExchange, decoded, receive
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse, StreamFailed
from authlens_core.wire.transport_events import Observation
from authlens_core.wire.trust import TrustUnusable, build_context, observe_refusals

if TYPE_CHECKING:
    from authlens_core.wire.pooled_streams import PooledStreams


_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Wire:
    """Sends requests and records what happened, good or bad. Use as an async context manager.

    Args:
        ssl_context: whom to trust; None builds the context of `trust.build_context` on first use.
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
        self._streams: PooledStreams | None = None
        self._building = asyncio.Lock()
        self._trusted: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. The object can be used again afterwards."""
        if self._streams is not None:
            await self._streams.aclose()

    async def warm_up(self) -> None:
        """Do now what the first request would do first: read the trusted certificates.

        Call it while the user reads, so that no time of ours is taken for the server's. What cannot be done
        is left to the first request, which reports it.
        """
        product()
        with contextlib.suppress(*ERRORS):
            await self._trust()

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
            cause = f"The address was refused: {'; '.join(refused.reasons)}."
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
        seconds = attempt.limits.deadline
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self._attempt(attempt, url, addresses)
        except ERRORS as error:
            if deadline.expired():
                return deadline_failure(attempt.named, seconds, attempt.observed)
            if attempt.proxy is not None and attempt.observed.at_proxy:
                return proxy_failure(error, attempt.host, attempt.proxy.display, attempt.observed)
            return explain(error, attempt.host, attempt.observed)

    async def _attempt(
        self, attempt: PendingExchange, url: Url, addresses: AddressPolicy
    ) -> WireFailure | None:
        attempt.host = url.origin.partition("://")[2]
        host, port = url.host.strip("[]"), url.port or (443 if url.scheme == "https" else 80)
        attempt.proxy = proxy_for(url.scheme, host, port, self._environ)
        if addresses is AddressPolicy.PUBLIC_ONLY:
            # Behind a proxy it is the proxy that looks names up; an address can be judged all the same.
            await require_public(host, port, _no_lookup if attempt.proxy else self._resolver)
        attempt.observed.judge = address_judge(url.scheme, addresses, proxied=attempt.proxy is not None)
        prepared = self._prepare(attempt, url)
        trusted = await self._trust() if url.scheme == "https" else None
        connection = Connection(attempt.observed, attempt.limits.connect)
        try:
            await connection.open(host, port, trusted=trusted, proxy=attempt.proxy)
            head = await connection.ask(prepared, attempt.request.body.reveal())
            return await receive(attempt, head, connection.chunks())
        finally:
            connection.close()

    def _prepare(self, attempt: PendingExchange, url: Url) -> h11.Request:
        """Return the head of the request, and record it with every header field it will have.

        Raises:
            ValueError: a header field cannot be written as latin-1.
            h11.LocalProtocolError: the request is not valid HTTP.
        """
        request = attempt.request
        body = request.body.reveal()
        given = [pair for pair in request.headers.fields if pair[0].lower() != "accept-encoding"]
        names = {name.lower() for name, _ in given}
        framed = bool(names & {"content-length", "transfer-encoding"})
        own = [("Host", url.origin.partition("://")[2])]
        if not framed and not body and request.method.upper() in _WITH_BODY:
            own.append(("Content-Length", "0"))
        own += [("User-Agent", product()), ("Accept", "*/*")]
        fields = [pair for pair in own if pair[0].lower() not in names]
        fields += [("Accept-Encoding", "identity"), *given]
        if body and not framed:
            fields.append(("Content-Length", str(len(body))))
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]
        target = (url.path or "/") + ("" if url.query is None else f"?{url.query}")
        head = h11.Request(method=request.method.upper(), target=target, headers=raw)
        attempt.request = replace(request, url=f"{url.origin}{target}", headers=decoded(raw))
        return head

    @contextlib.asynccontextmanager
    async def stream(self, request: StreamedRequest) -> AsyncIterator[StreamedResponse]:
        """Send a request whose body and answer pass through without being held, recorded or cut.

        For programs that speak to the resource through authlens. Connections are reused. Nothing is
        redirected or sent again.

        Raises:
            StreamFailed: there is no answer; the body raises it too where it breaks off.
        """
        from authlens_core.wire.pooled_streams import PooledStreams  # a login needs no pool

        if self._streams is None:
            self._streams = PooledStreams(self._environ)
        try:
            trusted = await self._trust()
        except TrustUnusable as error:
            raise StreamFailed(explain(error, request.origin.host, Observation())) from None
        async with self._streams.stream(request, trusted) as answer:
            yield answer

    async def _trust(self) -> ssl.SSLContext:
        """Return whom TLS is trusted to; found out on first use."""
        async with self._building:
            if self._trusted is not None:
                return self._trusted
            context = self._ssl_context
            if context is None:
                context = await asyncio.to_thread(build_context, self._environ)
            context.set_alpn_protocols(["http/1.1"])
            observe_refusals(context)
            self._trusted = context
            return context


async def _no_lookup(_host: str, _port: int) -> Sequence[str]:
    return ()
