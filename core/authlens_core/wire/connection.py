"""Connections that are opened at little cost, and of which each read returns all that has arrived.

Every exchange has its own, and httpcore's take twice the processor time to open: a group of tasks is started
even for one address. A read of theirs returns at most 64 KiB of what asyncio received at once, with TLS one
record of 16 KiB, so a large body passes every layer above in many small pieces.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import anyio
import httpcore
from aiohappyeyeballs import start_connection
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from authlens_core.wire.socket_stream import AT_ONCE, SocketStream

# A caller that allows so many bytes reads a body, and can take more at once.
_BODY: Final = 64 * 1024

# Seconds until the next address of a host is tried beside the one before (RFC 8305 §8).
_NEXT_ADDRESS: Final = 0.25

_FACTS: Final = {
    "ssl_object": TLSAttribute.ssl_object,
    "client_addr": SocketAttribute.local_address,
    "server_addr": SocketAttribute.remote_address,
    "socket": SocketAttribute.raw_socket,
}


class Connections(httpcore.AsyncNetworkBackend):
    """Opens connections whose reads return all that has arrived, up to 256 KiB."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - theirs
        local_address: str | None = None,  # noqa: ARG002 - theirs; no one here asks for it
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError, OSError):
            async with asyncio.timeout(timeout):
                found = await _addresses(host, port)
                connected = await start_connection(found, happy_eyeballs_delay=_NEXT_ADDRESS)
                for option in socket_options or ():
                    connected.setsockopt(*option)
                loop = asyncio.get_running_loop()
                _, stream = await loop.create_connection(SocketStream, sock=connected)
        return _Connection(stream)


async def _addresses(host: str, port: int) -> list[Any]:
    """Return what `socket.getaddrinfo` does; raises OSError when the name is unknown."""
    try:
        # The loop would start a thread for an address, too.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class _Connection(httpcore.AsyncNetworkStream):
    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._tls: ssl.SSLObject | None = _fact(stream, TLSAttribute.ssl_object)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - theirs
        size = AT_ONCE if max_bytes >= _BODY else max_bytes
        # This runs for every chunk of a body: asyncio's timeout costs half as much as anyio's.
        try:
            async with asyncio.timeout(timeout):
                data = await self._stream.receive(size)
        except anyio.EndOfStream:
            return b""
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise httpcore.ReadError(str(error)) from error
        return data if self._tls is None else b"".join(_with_more(data, self._tls, size))

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
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError, ssl.SSLError):
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
        return _Connection(stream)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _is_readable(self.get_extra_info("socket"))
        fact = _FACTS.get(info)
        return None if fact is None else _fact(self._stream, fact)


def _with_more(data: bytes, tls: ssl.SSLObject, size: int) -> Iterator[bytes]:
    """Yield `data`, and the records after it that are here already, up to `size` bytes in all."""
    with suppress(ssl.SSLWantReadError):
        while data:
            yield data
            size -= len(data)
            data = tls.read(size) if size else b""


def _fact(stream: ByteStream, fact: Any) -> Any:
    """Return an attribute of the connection, or None if it has no such attribute."""
    return stream.extra(fact, None)  # noqa: S610 - anyio's method, not Django's


def _is_readable(connection: socket.socket) -> bool:
    """Return whether a read would return at once: an idle connection is then closed or broken."""
    if connection.fileno() < 0:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def _raised_as(late: type[Exception], broken: type[Exception], *more: type[Exception]) -> Iterator[None]:
    """Raise httpcore's errors: `late` where time is up, `broken` where the connection is, or for `more`."""
    gone = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
    errors: tuple[type[Exception], ...] = (*gone, *more)
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except errors as error:
        raise broken(str(error)) from error
