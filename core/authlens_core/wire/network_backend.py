"""Connections for httpcore that read nothing ahead: what was not asked for yet stays in the socket.

httpcore uses an idle connection again unless it is readable: bytes that come then are no answer to the next
request (RFC 9112 §9.2). A layer that reads ahead hides them from it, as those of asyncio and anyio do: up to
256 KiB arrive at once, and what the parser did not ask for waits in a queue.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Final

import anyio
import httpcore
from aiohappyeyeballs import AddrInfoType, start_connection
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from authlens_core.wire.addresses import local_addresses

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
                    address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
                )
            ]
        with self._lookup():
            return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


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
            async with asyncio.timeout(timeout):
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
