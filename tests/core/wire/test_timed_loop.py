"""The time of a lookup, apart from that of the connection."""

from __future__ import annotations

import asyncio
import socket

import pytest

from authlens_core.oauth.http_message import Request
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange
from authlens_core.wire.timed_loop import lookups_noted_by, run
from support.hostile_server import answer, hostile_server


def test_each_lookup_is_noted() -> None:
    """One that fails, too: the user waited for it."""
    noted: list[float] = []

    async def look_up() -> None:
        loop = asyncio.get_running_loop()
        with lookups_noted_by(noted.append):
            await loop.getaddrinfo("localhost", 80)
            with pytest.raises(socket.gaierror):
                await loop.getaddrinfo("a.invalid", 80, flags=socket.AI_NUMERICHOST)
        await loop.getaddrinfo("localhost", 80)  # of whatever comes later

    run(look_up())
    assert len(noted) == 2


def test_an_exchange_has_the_time_of_its_lookup() -> None:
    """The library asks the loop for the addresses of a name."""

    async def ask() -> Exchange:
        async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
            url = f"http://localhost:{server.port}/"
            return await wire.send(Request("GET", url), loopback_http=True)

    timings = run(ask()).timings
    assert timings.dns is not None
    assert timings.connect is not None
