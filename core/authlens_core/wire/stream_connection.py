"""Connections for streams: each read returns all that has arrived.

httpcore's own connections return at most 64 KiB of what asyncio received at once, and with TLS one record of
16 KiB. A large body then passes every layer above in many small pieces.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import anyio
import httpcore
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

# Bytes of one read: as many as asyncio receives at once.
_AT_ONCE: Final = 256 * 1024

# A caller that allows so many bytes reads a body, and can take more at once.
_BODY: Final = 64 * 1024

_FACTS: Final = {
    "ssl_object": TLSAttribute.ssl_object,
    "client_addr": SocketAttribute.local_address,
    "server_addr": SocketAttribute.remote_address,
    "socket": SocketAttribute.raw_socket,
}


class WholeReads(httpcore.AsyncNetworkBackend):
    """Opens connections whose reads return all that has arrived, up to 256 KiB."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - theirs
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _raised_as(httpcore.ConnectTimeout, httpcore.ConnectError, OSError):
            async with asyncio.timeout(timeout):
                stream = await anyio.connect_tcp(host, port, local_host=local_address)
            for option in socket_options or ():
                _fact(stream, SocketAttribute.raw_socket).setsockopt(*option)
        return _Connection(stream)


class _Connection(httpcore.AsyncNetworkStream):
    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._tls: ssl.SSLObject | None = _fact(stream, TLSAttribute.ssl_object)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - theirs
        size = _AT_ONCE if max_bytes >= _BODY else max_bytes
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
                        _Encrypted(self._stream),
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


class _Encrypted(ByteStream):
    """What TLS reads from: anyio asks for 64 KiB, and would copy the rest of what has arrived each time."""

    def __init__(self, inner: ByteStream) -> None:
        self._inner = inner

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        return self._inner.extra_attributes

    async def receive(self, max_bytes: int = _AT_ONCE) -> bytes:
        return await self._inner.receive(max(max_bytes, _AT_ONCE))

    async def send(self, item: bytes) -> None:
        await self._inner.send(item)

    async def send_eof(self) -> None:
        await self._inner.send_eof()

    async def aclose(self) -> None:
        await self._inner.aclose()


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
