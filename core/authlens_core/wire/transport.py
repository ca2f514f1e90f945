"""The transport below `Wire`: what httpx's own does, on the connections of `connection`.

httpx lets no one choose the connections of its transport, so this one puts httpcore's pool below itself.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpcore

from authlens_core.wire.connection import Connections
from authlens_core.wire.httpx_loading import leave_out_the_command_line

leave_out_the_command_line()

import httpx  # noqa: E402 - loaded without its command line, also by who imports this module first


class Transport(httpx.AsyncBaseTransport):
    """Sends requests over HTTP/1.1.

    Args:
        trusted: whom to trust.
        proxy: what every connection goes through; None for direct ones.
        idle: how many connections are kept for the requests that follow; with 0 each request has its own.
    """

    def __init__(self, trusted: ssl.SSLContext, proxy: httpx.Proxy | None, *, idle: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            proxy=None if proxy is None else _for_httpcore(proxy),
            max_connections=None,
            max_keepalive_connections=idle,
            keepalive_expiry=10.0,
            network_backend=Connections(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # httpcore would write a target that is left in the extensions into CONNECT, too.
        extensions = dict(request.extensions)
        target = extensions.pop("target", request.url.raw_path)
        prepared = httpcore.Request(
            request.method,
            _for_pool(request.url, target),
            headers=request.headers.raw,
            content=request.stream,
            extensions=extensions,
        )
        with _raised_by_httpx():
            answer = await self._pool.handle_async_request(prepared)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _raised_by_httpx():
            async for chunk in self._answer.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()


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
