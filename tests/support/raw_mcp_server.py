"""An MCP endpoint that answers with exactly the bytes a test wants; no HTTP library is in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asked", "RawServer", "Reply", "json_answer", "raw_mcp_server", "stream_answer"]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    fields: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The JSON-RPC message; empty without a body."""
        return dict(json.loads(self.body)) if self.body else {}

    @property
    def is_request(self) -> bool:
        return self.method == "POST" and {"id", "method"} <= self.message.keys()


Reply = Callable[[Asked], bytes | Awaitable[bytes] | None]
"""Returns what is sent before the connection is closed; None to stay silent until the client is gone."""


@dataclass
class RawServer:
    """A running server.

    Attributes:
        asked: every request, in order.
    """

    url: str
    asked: list[Asked] = field(default_factory=list)


def json_answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    return _answer(body, status, ("Content-Type: application/json", *fields))


def stream_answer(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    return _answer(body, status, ("Content-Type: text/event-stream", *fields))


def _answer(body: bytes, status: str, fields: tuple[str, ...]) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}"))
    return head.encode("latin-1") + b"\r\n" + body


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.rstrip().split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    body = await reader.readexactly(int(fields.get("content-length", 0)))
    return Asked(line.split()[0], fields, body)


@asynccontextmanager
async def raw_mcp_server(reply: Reply) -> AsyncIterator[RawServer]:
    """Run a server on 127.0.0.1 that answers each request by `reply`."""
    tasks: set[asyncio.Task[None]] = set()
    server = RawServer("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            asked = await _read(reader)
            server.asked.append(asked)
            data = reply(asked)
            if data is None:
                await reader.read()
            else:
                writer.write(data if isinstance(data, bytes) else await data)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # it may be cancelled before it begins

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/mcp"
        try:
            yield server
        finally:
            for task in set(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
