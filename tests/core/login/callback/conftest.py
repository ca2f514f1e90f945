"""A raw client for the listener, and a listener of one's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from authlens_core.login.callback.listener import Listener
from authlens_core.values.exchange import Headers, Response
from authlens_core.values.secret import Body


async def exchange(listener: Listener, request: bytes, address: str = "127.0.0.1") -> Response:
    """Send the bytes to the listener and read its answer to the end of the connection."""
    async with asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(address, listener.port)
        writer.write(request)
        with suppress(ConnectionError):
            await writer.drain()
        answer = await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    version, code, reason = status.split(" ", 2)
    fields = Headers.of((line.partition(": ")[0], line.partition(": ")[2]) for line in lines)
    return Response(int(code), reason, fields, Body(body), version)


@pytest.fixture
def ask() -> Callable[..., Awaitable[Response]]:
    """Give the raw client; its arguments are a listener, the bytes of a request and the address to use."""
    return exchange


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with await Listener.open(port=0) as opened:
        yield opened
