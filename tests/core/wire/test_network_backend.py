"""`Connections`: which of a host's addresses is connected, why none was, and how long the lookup took."""

import asyncio
import errno
import socket
from typing import Any

import httpcore
import pytest

from authlens_core.values.exchange import FailureKind, Request
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.transport import Connections
from support.hostile_server import Send, Wait, answer, hostile_server
from support.made_checks import present


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name have two addresses; at the first nothing listens."""

    async def found(_loop: object, _host: str, port: int, **_options: object) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
        return [(*kind, ("127.0.0.1", 1)), (*kind, ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", found)


@pytest.mark.usefixtures("two_addresses")
async def test_an_address_that_refuses_is_passed_over() -> None:
    async with hostile_server() as server:
        connection = await Connections().connect_tcp("two.example", server.port, timeout=20)
        assert connection.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        await connection.aclose()


@pytest.mark.usefixtures("two_addresses")
async def test_where_every_address_refuses_the_reason_is_kept() -> None:
    async with hostile_server() as gone:
        pass
    with pytest.raises(httpcore.ConnectError) as raised:
        await Connections().connect_tcp("two.example", gone.port, timeout=20)
    cause = raised.value.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno == errno.ECONNREFUSED


@pytest.mark.usefixtures("two_addresses")
async def test_the_user_is_told_that_nothing_listens_at_any_address() -> None:
    async with hostile_server() as gone:
        pass
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", f"http://localhost:{gone.port}/"), loopback_http=True)
    assert "nothing listens there" in present(exchange.failure).cause


async def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop would start a thread for it."""
    monkeypatch.delattr(asyncio.BaseEventLoop, "getaddrinfo")
    async with hostile_server(*answer()) as server:
        connection = await Connections().connect_tcp("127.0.0.1", server.port)
        await connection.aclose()


async def test_a_lookup_that_fails_has_its_time() -> None:
    """The user waited for it."""

    async def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with Wire(environ={}, resolver=unknown) as wire:
        request = Request("GET", "https://a.example/")
        exchange = await wire.send(request, addresses=AddressPolicy.PUBLIC_ONLY)
    assert present(exchange.failure).kind is FailureKind.NAME
    assert exchange.timings.dns is not None


async def test_options_reach_the_socket() -> None:
    keep_alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    async with hostile_server() as server:
        connection = await Connections().connect_tcp("127.0.0.1", server.port, socket_options=[keep_alive])
        opened: socket.socket = connection.get_extra_info("socket")
        assert opened.getsockopt(*keep_alive[:2])
        await connection.aclose()


async def test_a_flood_leaves_others_their_turn() -> None:
    """What is here already is read without waiting, and a deadline needs a turn of the loop."""
    async with hostile_server(Send(b"a" * 200_000), Wait()) as server:
        connection = await Connections().connect_tcp("127.0.0.1", server.port)
        while not connection.get_extra_info("is_readable"):
            await asyncio.sleep(0)
        had_a_turn = asyncio.Event()
        asyncio.get_running_loop().call_soon(had_a_turn.set)
        assert await connection.read(1) == b"a"
        assert had_a_turn.is_set()
        await connection.aclose()
