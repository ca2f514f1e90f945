"""The transport below `Wire`: what httpx's own does, on connections that read nothing ahead.

httpx lets no one choose the connections of its transport, so this one puts httpcore below itself: its pool
for streams, and for an exchange of a login one connection, which no other exchange can get.

httpcore uses an idle connection again unless it is readable: bytes that come then are no answer to the next
request (RFC 9112 §9.2). A layer that reads ahead hides them from it, as those of asyncio and anyio do: up to
256 KiB arrive at once, and what the parser did not ask for waits in a queue. Here they stay in the socket.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Final

import anyio
import h11
import httpcore
from aiohappyeyeballs import AddrInfoType, start_connection
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from authlens_core.wire.addresses import in_ascii, local_addresses
from authlens_core.wire.httpx_loading import leave_out_the_command_line
from authlens_core.wire.streaming import STREAM_TIMEOUTS

# Seconds until the next address of a host is tried beside the one before (RFC 8305 §8).
_NEXT_ADDRESS: Final = 0.25


class Connections(httpcore.AsyncNetworkBackend):
    """Opens connections to the first address of a host that answers.

    Args:
        lookup: entered for as long as a name is looked up.
    """

    def __init__(self, lookup: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._lookup = lookup

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - theirs
        local_address: str | None = None,  # noqa: ARG002 - theirs; no one here asks for it
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                connected = await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS)
        # Head and body are two writes: Nagle's algorithm would hold the second back for a delayed ACK of 40
        # ms.
        for option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *(socket_options or ())):
            connected.setsockopt(*option)
        return _Connection(connected, _SocketStream(connected))

    async def _addresses(self, host: str, port: int) -> Sequence[AddrInfoType]:
        """Return what `socket.getaddrinfo` does; raises OSError when the name is unknown."""
        with suppress(socket.gaierror):
            # The loop would start a thread for an address, too.
            return [
                entry
                for address in local_addresses(host) or (host,)
                for entry in socket.getaddrinfo(
                    in_ascii(address), port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
                )
            ]
        with self._lookup():
            loop = asyncio.get_running_loop()
            return await loop.getaddrinfo(in_ascii(host), port, type=socket.SOCK_STREAM)


class _SocketStream(ByteStream):
    """A connected socket as a stream of anyio's, for its TLS."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        # A server that never stops sending must not keep the deadline from its turn.
        await asyncio.sleep(0)
        data = await asyncio.get_running_loop().sock_recv(self._socket, max_bytes)
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, item)

    async def send_eof(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        if self._socket.fileno() < 0:
            return
        try:
            with suppress(OSError):
                # It wakes a task that still reads, which closing alone would leave waiting.
                self._socket.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(0)
        finally:
            self._socket.close()


class _Connection(httpcore.AsyncNetworkStream):
    def __init__(
        self, connected: socket.socket, stream: ByteStream, tls: ssl.SSLObject | None = None
    ) -> None:
        self._socket = connected
        self._stream = stream
        self._tls = tls

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - theirs
        with _raised_as(httpcore.ReadTimeout, httpcore.ReadError), suppress(anyio.EndOfStream):
            # This runs for every chunk of a body: asyncio's timeout costs half as much as anyio's.
            # The steps of SOCKS have no time of their own, and an exchange has its deadline besides.
            async with asyncio.timeout(timeout or STREAM_TIMEOUTS["read"]):
                return await self._stream.receive(max_bytes)
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - theirs
        if buffer:
            with _raised_as(httpcore.WriteTimeout, httpcore.WriteError):
                async with asyncio.timeout(timeout):
                    await self._stream.send(buffer)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - theirs
    ) -> httpcore.AsyncNetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError):
            try:
                async with asyncio.timeout(timeout):
                    stream = await TLSStream.wrap(
                        self._stream,
                        ssl_context=ssl_context,
                        hostname=server_hostname,
                        standard_compatible=False,
                        server_side=False,
                    )
            except Exception:
                await self.aclose()
                raise
        tls = stream.extra(TLSAttribute.ssl_object)  # noqa: S610 - anyio's method, not Django's
        return _Connection(self._socket, stream, tls)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object":
                return self._tls
            case "server_addr":
                return self._socket.getpeername()
            case "socket":
                return self._socket
            case "is_readable":
                return _holds_a_record(self._tls) or _is_readable(self._socket)
        return None


def _holds_a_record(tls: ssl.SSLObject | None) -> bool:
    """Return whether TLS has received more than was read; takes a byte of it, so ask at the end only."""
    if tls is None:
        return False
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        pass
    return True


def _is_readable(connected: socket.socket) -> bool:
    """Return whether a read would return at once: bytes came, or the end, or the socket is closed."""
    if connected.fileno() < 0:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connected, selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def _raised_as(late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """Raise httpcore's errors: `late` where time is up, `broken` for everything else that is wrong."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise broken(str(error)) from error


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
            # A bound would let one stream that never ends keep every other request waiting.
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
            stream=_Body(answer, reusable=bool(self._idle)),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._kept.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, *, reusable: bool) -> None:
        self._answer = answer
        self._kept = reusable

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _raised_by_httpx():
            async for chunk in self._answer.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        try:
            # Bytes behind an answer belong to no request: reusing the connection would give them to the next
            # one.
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
