"""`Wire.stream`: nothing is lost or held back, and errors are those of httpx's own transport."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable

import httpcore
import httpx
import pytest

from authlens_core.values.exchange import FailureKind
from authlens_core.values.url import parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamFailed
from authlens_core.wire.transport import Connections, Transport, _has_more
from support.hostile_server import (
    Close,
    HostileServer,
    LocalAuthority,
    Receive,
    Reset,
    Send,
    Step,
    Wait,
    answer,
    hostile_server,
)
from support.waiting import PATIENCE

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def get(url: str) -> StreamedRequest:
    origin = parse_url(url, loopback_http=True)
    return StreamedRequest("GET", origin, b"/", ((b"Host", b"localhost"),))


@contextlib.asynccontextmanager
async def served(*steps: Step, tls: bool) -> AsyncIterator[tuple[HostileServer, Wire]]:
    """Run a server, and a wire that trusts it."""
    authority = LocalAuthority()
    context = authority.server_context() if tls else None
    async with (
        hostile_server(*steps, context=context) as server,
        Wire(environ={}, ssl_context=authority.client_context()) as wire,
    ):
        yield server, wire


async def chunks_of(wire: Wire, server: HostileServer) -> list[bytes]:
    async with wire.stream(get(server.url)) as found:
        return [chunk async for chunk in found.body]


LARGE = bytes(range(256)) * 32_768


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_a_large_body_arrives_whole(tls: bool) -> None:
    async with served(*answer(body=LARGE), tls=tls) as (server, wire):
        chunks = await chunks_of(wire, server)
    assert hashlib.sha256(b"".join(chunks)).digest() == hashlib.sha256(LARGE).digest()


async def test_a_client_that_leaves_during_the_tls_handshake_leaves_no_connection() -> None:
    """The proxy runs for days, and the server may keep such a connection open."""
    greeted, hung_up = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        greeted.set()
        await reader.read()
        hung_up.set()
        writer.close()

    async def ask(url: str) -> None:
        async with Wire(environ={}) as wire, wire.stream(get(url)):
            pass

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server, asyncio.timeout(PATIENCE):
        asking = asyncio.create_task(ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
        await greeted.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await hung_up.wait()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_a_body_that_ends_with_its_connection_is_whole(tls: bool) -> None:
    async with served(Receive(), Send(HEAD + LARGE), Close(), tls=tls) as (server, wire):
        chunks = await chunks_of(wire, server)
    assert sum(map(len, chunks)) == len(LARGE)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_an_event_arrives_before_the_next_one_is_sent(tls: bool) -> None:
    async with (
        served(Receive(), Send(HEAD + b"data: 1\n\n"), Wait(None), tls=tls) as (server, wire),
        wire.stream(get(server.url)) as found,
    ):
        assert await anext(found.body) == b"data: 1\n\n"


async def test_a_connection_is_used_again() -> None:
    async with served(*answer(), *answer(), tls=True) as (server, wire):
        for _ in range(2):
            await chunks_of(wire, server)
    assert (len(server.requests), server.connections) == (2, 1)


async def test_a_connection_is_readable_once_the_server_closed_it() -> None:
    """By this the pool knows that an idle connection must not be used again."""
    async with hostile_server(Receive(), Close()) as server:
        connection = await Connections().connect_tcp("127.0.0.1", server.port)
        assert not connection.get_extra_info("is_readable")
        await connection.write(b"GET / HTTP/1.1\r\n\r\n")
        while not connection.get_extra_info("is_readable"):
            await asyncio.sleep(0.01)
        assert await connection.read(1) == b""
        await connection.aclose()
    assert connection.get_extra_info("is_readable")


async def test_a_read_that_waits_ends_when_everything_is_closed() -> None:
    """The proxy ends while its client still waits for an event."""
    async with (
        served(Receive(), Send(HEAD + b"data: 1\n\n"), Wait(None), tls=False) as (server, wire),
        wire.stream(get(server.url)) as found,
        asyncio.timeout(PATIENCE),
    ):
        assert await anext(found.body) == b"data: 1\n\n"
        reading = asyncio.ensure_future(anext(found.body, b""))
        for _ in range(10):  # until it waits for the socket
            await asyncio.sleep(0)
        await wire.aclose()
        with contextlib.suppress(StreamFailed):
            assert await reading == b""


async def test_a_body_that_breaks_off_is_a_failure() -> None:
    steps = (*answer(body=b"half", length=8), Reset())
    async with served(*steps, tls=False) as (server, wire):
        with pytest.raises(StreamFailed) as raised:
            await chunks_of(wire, server)
    assert raised.value.failure.kind in {FailureKind.CONNECT, FailureKind.PROTOCOL}
    assert raised.value.failure.may_have_arrived


def test_a_connection_whose_parser_cannot_be_seen_is_not_used_again() -> None:
    """It is httpcore's own, so a later version may have it elsewhere."""
    assert _has_more(httpcore.Response(200))


Make = Callable[[LocalAuthority], httpx.AsyncBaseTransport]


def ours(trusted: LocalAuthority) -> httpx.AsyncBaseTransport:
    return Transport(trusted.client_context(), None, idle=1)


def theirs(trusted: LocalAuthority) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(verify=trusted.client_context(), trust_env=False)


async def raised_by(make: Make, url: str, trusted: LocalAuthority) -> list[type[BaseException]]:
    """Return the kinds of an error and of everything that led to it."""
    timeouts = {"connect": 5.0, "read": 0.1, "write": 5.0, "pool": 5.0}
    request = httpx.Request("GET", url, extensions={"timeout": timeouts})
    async with make(trusted) as transport:
        with pytest.raises(httpx.HTTPError) as raised:
            await (await transport.handle_async_request(request)).aread()
    kinds: list[type[BaseException]] = []
    error: BaseException | None = raised.value
    while error is not None:
        kinds.append(type(error))
        error = error.__cause__
    return kinds


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((Receive(), Close()), httpx.RemoteProtocolError),
        ((Receive(), Reset()), httpx.ReadError),
        ((Receive(), Send(b"rubbish\r\n\r\n")), httpx.RemoteProtocolError),
        (answer(body=b"half", length=8), httpx.RemoteProtocolError),
        ((Receive(), Wait(None)), httpx.ReadTimeout),
    ],
    ids=["closed", "reset", "rubbish", "cut", "silent"],
)
async def test_errors_are_those_of_httpx(steps: tuple[Step, ...], expected: type[Exception]) -> None:
    trusted = LocalAuthority()
    async with hostile_server(*steps) as server:
        kinds = [await raised_by(make, server.url, trusted) for make in (ours, theirs)]
    assert kinds[0] == kinds[1]
    assert kinds[0][0] is expected


async def test_errors_of_connecting_are_those_of_httpx() -> None:
    """A port on which nothing listens, a server without TLS, and the certificate of a stranger."""
    trusted = LocalAuthority()
    async with hostile_server() as gone:
        pass
    async with (
        hostile_server(Send(HEAD)) as plain,
        hostile_server(*answer(), context=LocalAuthority().server_context()) as stranger,
    ):
        for url in (gone.url, f"https://localhost:{plain.port}/", stranger.url):
            kinds = [await raised_by(make, url, trusted) for make in (ours, theirs)]
            assert kinds[0] == kinds[1]
            assert kinds[0][0] is httpx.ConnectError
