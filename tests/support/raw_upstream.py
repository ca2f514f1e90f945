"""A resource that remembers every byte of every connection, and answers each request that is complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from support.two_readings import read_messages

__all__ = ["OK", "RawUpstream", "raw_upstream"]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class RawUpstream:
    """What a running one can be asked.

    Attributes:
        url: its origin.
        streams: the bytes of each connection, in order.
        answers: what it answers, in turn; the last one again and again.
        closes: whether it closes the connection after its first answer.
    """

    url: str
    streams: list[bytearray] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=lambda: [OK])
    closes: bool = False
    answered: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer as many requests as the bytes so far have for a reader that believes the length first."""
        stream = bytearray()
        self.streams.append(stream)
        done = 0
        with suppress(OSError):
            while data := await reader.read(65_536):
                stream += data
                found = [one for one in read_messages(bytes(stream), length_first=True) if one.complete]
                for _ in found[done:]:
                    writer.write(self.answers[min(self.answered, len(self.answers) - 1)])
                    self.answered += 1
                await writer.drain()
                if self.closes and self.answered == 1:
                    break
                done = len(found)
        writer.close()


@asynccontextmanager
async def raw_upstream() -> AsyncIterator[RawUpstream]:
    """Run one on 127.0.0.1."""
    upstream = RawUpstream("")
    listener = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        listener.close()
