"""The transport below `Wire`: what httpx's own does, on the connections of `connection`.

httpx lets no one choose the connections of its transport, so this one puts httpcore below itself: its pool
for streams, and for an exchange of a login one connection, which no other exchange can get.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import h11
import httpcore

from authlens_core.wire.httpx_loading import leave_out_the_command_line
from authlens_core.wire.network_backend import Connections

leave_out_the_command_line()

import httpx  # noqa: E402 - loaded without its command line, also by who imports this module first


class Transport(httpx.AsyncBaseTransport):
    """Sends requests over HTTP/1.1.

    The extension `lookup` of a request that has its own connection is entered while a name is looked up.

    Args:
        trusted: whom to trust.
        proxy: what every connection goes through; None for direct ones.
        idle: how many connections are kept for the requests that follow; with 0 each request has its own.
    """

    def __init__(self, trusted: ssl.SSLContext, proxy: httpx.Proxy | None, *, idle: int) -> None:
        self._trusted = trusted
        self._proxy = None if proxy is None else _for_httpcore(proxy)
        self._idle = idle
        self._kept = self._pool(nullcontext)

    def _pool(self, lookup: Callable[[], AbstractContextManager[None]]) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._trusted,
            proxy=self._proxy,
            max_connections=None,
            max_keepalive_connections=self._idle,
            keepalive_expiry=10.0,
            network_backend=Connections(lookup),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # httpcore would write a target that is left in the extensions into CONNECT, too.
        extensions = dict(request.extensions)
        target = extensions.pop("target", request.url.raw_path)
        lookup = extensions.pop("lookup", nullcontext)
        url = _for_pool(request.url, target)
        prepared = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=extensions,
        )
        way: httpcore.AsyncConnectionPool | httpcore.AsyncConnectionInterface = self._kept
        if not self._idle:
            way = self._pool(lookup).create_connection(url.origin)
        with _raised_by_httpx():
            answer = await way.handle_async_request(prepared)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, kept=bool(self._idle)),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._kept.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, *, kept: bool) -> None:
        self._answer = answer
        self._kept = kept

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _raised_by_httpx():
            async for chunk in self._answer.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        try:
            if not self._kept or _has_more(self._answer):
                await self._answer.extensions["network_stream"].aclose()
        finally:
            await self._answer.aclose()


def _has_more(answer: httpcore.Response) -> bool:
    """Return whether the server sent more than this answer: httpcore would read the next one there.

    Also where a later httpcore has its parser elsewhere; its connections are then closed after each answer.
    """
    connection = getattr(getattr(answer.stream, "_stream", None), "_connection", None)
    parser = getattr(connection, "_h11_state", None)
    return not isinstance(parser, h11.Connection) or parser.trailing_data[0] != b""


def _for_pool(url: httpx.URL, target: bytes) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target)


def _for_httpcore(proxy: httpx.Proxy) -> httpcore.Proxy:
    return httpcore.Proxy(
        _for_pool(proxy.url, proxy.url.raw_path),
        proxy.raw_auth,
        proxy.headers.raw,
        ssl_context=proxy.ssl_context,
    )


@contextmanager
def _raised_by_httpx() -> Iterator[None]:
    """Raise httpcore's errors as those of httpx, which have the same names."""
    try:
        yield
    except (
        *(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError),
        *(httpcore.ProxyError, httpcore.UnsupportedProtocol),
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
