"""Requests and answers that pass through as streams, on connections that are used again: by httpx.

It speaks to httpx's transport and not to its client: the client follows redirects, keeps cookies, reads
`.netrc`, turns user info into credentials and decodes bodies without a bound, and what is not there needs no
switching off.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import ssl
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from authlens_core.wire.addresses import AddressPolicy, address_judge
from authlens_core.wire.failures import ERRORS, explain, proxy_failure
from authlens_core.wire.proxy import Proxy, ProxyUnusable, proxy_for
from authlens_core.wire.streaming import STREAM_TIMEOUTS, StreamedRequest, StreamedResponse, StreamFailed
from authlens_core.wire.transport_events import Observation, TransportPhase

if TYPE_CHECKING:
    import httpx

_PARTS: Final = ("connection", "http11", "http2", "proxy", "socks")
_LOGGERS: Final = ("httpx", "httpcore", *(f"httpcore.{part}" for part in _PARTS))


def _silence_loggers() -> None:
    """Keep URLs and header fields, which the libraries log at DEBUG, out of every log."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.disabled = True
        logger.propagate = False


async def load_httpx() -> None:
    """Import httpx off the event loop.

    `import httpx` brings its command line: click, rich and every lexer of pygments, more than half of what it
    loads. An empty module in its place leaves them out. httpcore tries to import sniffio at every request,
    and where it is not installed each try searches the disk, unless it is noted as missing.
    """
    if "httpx" not in sys.modules:
        if importlib.util.find_spec("sniffio") is None:
            cast("dict[str, ModuleType | None]", sys.modules).setdefault("sniffio", None)
        command_line = ModuleType("httpx._main")
        command_line.__dict__["main"] = lambda: None
        sys.modules.setdefault(command_line.__name__, command_line)
        await asyncio.to_thread(importlib.import_module, "httpx")


class PooledStreams:
    """Sends streamed requests; connections are used again.

    Args:
        environ: where the proxies are read, as for `Wire`.
    """

    def __init__(self, environ: Mapping[str, str] | None) -> None:
        self._environ = environ
        self._transports: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}

    async def aclose(self) -> None:
        """Close every connection. The object can be used again afterwards."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    @contextlib.asynccontextmanager
    async def stream(
        self, request: StreamedRequest, trusted: ssl.SSLContext
    ) -> AsyncIterator[StreamedResponse]:
        """Send a request whose body and answer are neither held, recorded nor cut; nothing is redirected.

        Raises:
            StreamFailed: there is no answer; the body raises it too where it breaks off.
        """
        await load_httpx()
        import httpx

        url = request.origin
        host, port = url.host.strip("[]"), url.port or (443 if url.scheme == "https" else 80)
        observed = Observation()
        try:
            proxy = proxy_for(url.scheme, host, port, self._environ)
        except ProxyUnusable as error:
            raise StreamFailed(explain(error, url.host, observed)) from None
        observed.judge = address_judge(url.scheme, AddressPolicy.ANY, proxied=proxy is not None)
        events = LibraryEvents(observed)
        prepared = httpx.Request(
            request.method,
            httpx.URL(url.origin),
            headers=list(request.fields),
            content=b"" if request.body is None else request.body,
            extensions={"trace": events, "timeout": STREAM_TIMEOUTS, "target": request.target},
        )

        def failed(error: BaseException) -> StreamFailed:
            if proxy is not None and observed.at_proxy:
                return StreamFailed(proxy_failure(error, url.host, proxy.display, observed))
            return StreamFailed(explain(error, url.host, observed))

        try:
            answer = await self._transport(proxy, trusted).handle_async_request(prepared)
        except _errors() as error:
            await events.hang_up()
            raise failed(error) from None
        async with contextlib.aclosing(answer):
            yield StreamedResponse(
                answer.status_code,
                tuple(answer.headers.raw),
                _translated(_chunks(answer), failed),
                answer.extensions.get("network_stream"),
            )

    def _transport(self, proxy: Proxy | None, trusted: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
        """Return the transport through `proxy`, or the direct one; made on first use."""
        import httpx

        if proxy not in self._transports:
            _silence_loggers()
            self._transports[proxy] = httpx.AsyncHTTPTransport(
                verify=trusted,
                trust_env=False,
                http1=True,
                http2=False,
                retries=0,
                proxy=_for_httpx(proxy, trusted),
                limits=httpx.Limits(max_keepalive_connections=32, keepalive_expiry=10.0),
            )
        return self._transports[proxy]


class LibraryEvents:
    """Tells an observation what the events of httpcore say; the `trace` extension of a request."""

    def __init__(self, observed: Observation) -> None:
        self._observed = observed
        self._stream: Any = None
        self._tunnels = False

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take one event, for example `connection.connect_tcp.started`.

        Raises:
            AddressRefused: the address that was connected is not allowed.
        """
        part, _, rest = event.partition(".")
        name, _, moment = rest.partition(".")
        if moment == "started":
            self._started(part, name, info)
        elif moment == "complete":
            self._completed(name, info.get("return_value"))

    def _started(self, part: str, name: str, info: dict[str, Any]) -> None:
        observed = self._observed
        observed.at_proxy = part == "connection" or (observed.at_proxy and part != "proxy")
        if name == "send_request_headers":
            self._tunnels = getattr(info.get("request"), "method", b"") == b"CONNECT"
            observed.step = TransportPhase.TUNNEL if self._tunnels else TransportPhase.SEND
            observed.at_proxy = observed.at_proxy and self._tunnels
            observed.sent = observed.sent or not self._tunnels
        elif name in _STEPS and not self._tunnels:
            observed.step = _STEPS[name]

    def _completed(self, name: str, value: Any) -> None:
        if name == "connect_tcp":
            self._stream = value
            found = value.get_extra_info("server_addr")
            if isinstance(found, tuple):
                self._observed.connected(str(found[0]), int(found[1]))
        elif name == "receive_response_headers" and self._tunnels:
            self._observed.tunnel_status = value[1]
            self._tunnels = False

    async def hang_up(self) -> None:
        """Close the connection, also where the library would leave it open: in a TLS handshake cut short."""
        if self._stream is not None:
            await self._stream.aclose()


_STEPS: Final = {
    "connect_tcp": TransportPhase.CONNECT,
    "start_tls": TransportPhase.TLS,
    "receive_response_headers": TransportPhase.WAIT,
    "receive_response_body": TransportPhase.RECEIVE,
}


def _errors() -> tuple[type[BaseException], ...]:
    """Return everything that the libraries raise where a stream fails."""
    import anyio
    import httpx

    return (
        *(*ERRORS, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError),
        *(anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream),
    )


async def _chunks(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    async for chunk in response.aiter_raw():
        yield chunk


async def _translated(
    chunks: AsyncGenerator[bytes, None], failed: Callable[[BaseException], StreamFailed]
) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except _errors() as error:
        raise failed(error) from None


def _for_httpx(proxy: Proxy | None, context: ssl.SSLContext) -> httpx.Proxy | None:
    import httpx

    if proxy is None:
        return None
    auth = None
    if proxy.username is not None and proxy.password is not None:
        auth = (proxy.username.reveal(), proxy.password.reveal())
    return httpx.Proxy(proxy.url, auth=auth, ssl_context=context if proxy.scheme == "https" else None)
