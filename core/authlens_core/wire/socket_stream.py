"""A connected socket as a stream of anyio's, straight on asyncio's transport.

anyio's own starts and stops reading the socket for every read, and asyncio's `StreamReader` copies twice what
it receives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import anyio
from anyio.abc import ByteStream, SocketAttribute

# Bytes of one read: as many as asyncio receives at once.
AT_ONCE: Final = 256 * 1024
_WAITING: Final = 4  # pieces that are received before someone reads


class SocketStream(asyncio.Protocol, ByteStream):
    """Bytes to and from the other end; made by the loop's `create_connection`."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._ended = False
        self._error: Exception | None = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._news.set()
        if len(self._pieces) >= _WAITING:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._news.set()
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error = True, exc
        self._news.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    # What anyio calls

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        fact = self._transport.get_extra_info
        return {
            SocketAttribute.local_address: lambda: fact("sockname"),
            SocketAttribute.remote_address: lambda: fact("peername"),
            SocketAttribute.raw_socket: lambda: fact("socket"),
        }

    async def receive(self, max_bytes: int = AT_ONCE) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise anyio.BrokenResourceError from self._error
            if self._ended:
                raise anyio.EndOfStream
            self._news.clear()
            await self._news.wait()
        data = self._pieces.popleft()
        if len(data) > max_bytes:
            self._pieces.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        if not self._pieces:
            self._transport.resume_reading()
        return data

    async def send(self, item: bytes) -> None:
        self._transport.write(item)
        await self._may_write.wait()
        if self._error is not None:
            raise anyio.BrokenResourceError from self._error

    async def send_eof(self) -> None:
        self._transport.write_eof()

    async def aclose(self) -> None:
        self._transport.close()
        await asyncio.sleep(0)
        # What the other end does not read any more would keep the connection open.
        self._transport.abort()
