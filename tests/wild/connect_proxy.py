"""A tiny CONNECT proxy that leads every tunnel to one server on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class ConnectProxy:
    """Where it listens, where it leads, and what it was asked.

    Attributes:
        target: the port that the next tunnel leads to.
        early: bytes that follow its answer in the same segment.
        clients: the connections of its clients, for bytes of its own.
    """

    port: int = 0
    target: int = 0
    early: bytes = b""
    heads: list[bytes] = field(default_factory=list)
    clients: list[asyncio.StreamWriter] = field(default_factory=list)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what is read until its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def connect_proxy(target: int, early: bytes = b"") -> AsyncIterator[ConnectProxy]:
    """Run a proxy that connects every tunnel to 127.0.0.1:`target`, whatever name was asked for."""
    proxy = ConnectProxy(target=target, early=early)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.heads.append(await reader.readuntil(b"\r\n\r\n"))
        proxy.clients.append(writer)
        onward, outward = await asyncio.open_connection("127.0.0.1", proxy.target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n" + proxy.early)
        await asyncio.gather(pump(reader, outward), pump(onward, writer))

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield proxy
        await asyncio.sleep(0.05)
