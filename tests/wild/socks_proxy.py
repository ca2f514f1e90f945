"""A tiny SOCKS5 proxy (RFC 1928, RFC 1929) that leads every connection to one server on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wild.connect_proxy import pump

ANSWERS: Final[Mapping[str, bytes]] = {
    "method": b"\x05\x02",
    "password": b"\x01\x00",
    "connect": b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50",
}
"""What a proxy with a password answers, in the order of the steps."""


@dataclass(slots=True)
class SocksProxy:
    """Where it listens, and what it was asked.

    Attributes:
        signed_in: user name and password of each connection.
        asked: the host and the port of each connection; the host as it was sent, a name or an address.
    """

    port: int = 0
    signed_in: list[tuple[bytes, bytes]] = field(default_factory=list)
    asked: list[tuple[bytes, int]] = field(default_factory=list)


async def _text(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly((await reader.readexactly(1))[0])


@contextlib.asynccontextmanager
async def socks_proxy(target: int, answers: Mapping[str, bytes] = ANSWERS) -> AsyncIterator[SocksProxy]:
    """Run a proxy that connects everything to 127.0.0.1:`target`; a step without an answer never gets one.

    Args:
        answers: as `ANSWERS`; it closes the connection after an empty one.
    """
    proxy = SocksProxy()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def answers_well(step: str) -> bool:
            if step not in answers:
                await reader.read()
            writer.write(answers.get(step, b""))
            return answers.get(step) == ANSWERS[step]

        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readexactly(1)
            await _text(reader)
            if await answers_well("method"):
                await reader.readexactly(1)
                proxy.signed_in.append((await _text(reader), await _text(reader)))
                if await answers_well("password"):
                    await reader.readexactly(4)
                    host = await _text(reader)
                    proxy.asked.append((host, int.from_bytes(await reader.readexactly(2), "big")))
                    if await answers_well("connect"):
                        onward, outward = await asyncio.open_connection("127.0.0.1", target)
                        await asyncio.gather(pump(reader, outward), pump(onward, writer))
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield proxy
        await asyncio.sleep(0.05)
