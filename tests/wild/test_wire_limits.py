"""Servers that never end, say too much or compress: every exchange is bounded (GEN-9)."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import cache

import pytest

from authlens_core.values.exchange import Exchange, FailureKind, Request, WireFailure
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import METADATA, Limits
from support.hostile_server import Forever, HostileServer, Receive, Send, Step, Wait, answer, hostile_server

HEAD = b"HTTP/1.1 200 OK\r\n"
PACE = Wait(0.01)
SHORT = Limits(deadline=1.5)  # long enough that a busy machine has connected before it
LONG = Limits(deadline=60)  # no pause of a machine reaches it


async def _get(server: HostileServer, limits: Limits = LONG, method: str = "GET") -> Exchange:
    async with Wire(environ={}) as wire:
        return await wire.send(Request(method, server.url), limits=limits, loopback_http=True)


def _failure(exchange: Exchange, kind: FailureKind) -> WireFailure:
    assert exchange.failure is not None
    assert exchange.failure.kind is kind
    assert "127.0.0.1" in exchange.failure.cause
    assert exchange.failure.cure
    return exchange.failure


NEVER_ENDING: dict[str, tuple[Step, ...]] = {
    "silence": (Receive(), Wait()),
    "early hints": (Receive(), Forever(Send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), PACE)),
    "continue": (Receive(), Forever(Send(b"HTTP/1.1 100 Continue\r\n\r\n"), PACE)),
    "status line trickle": (Receive(), Forever(Send(b"H"), Wait(0.05))),
    "header trickle": (Receive(), Send(HEAD + b"X: "), Forever(Send(b"a"), PACE)),
    "body trickle": (Receive(), Send(HEAD + b"Content-Length: 100000\r\n\r\n"), Forever(Send(b"a"), PACE)),
    "body without end": (Receive(), Send(HEAD + b"\r\n"), Forever(Send(b"a"), PACE)),
    "chunk trickle": (
        Receive(),
        Send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        Forever(Send(b"1\r\na\r\n"), PACE),
    ),
    "event stream": (
        Receive(),
        Send(HEAD + b"Content-Type: text/event-stream\r\n\r\n"),
        Forever(Send(b": ping\n\n"), PACE),
    ),
}


@pytest.mark.parametrize("steps", NEVER_ENDING.values(), ids=NEVER_ENDING)
async def test_a_server_that_never_ends_is_left_at_the_deadline(steps: tuple[Step, ...]) -> None:
    """H063: one deadline by the wall clock, whatever trickles in; the request may have arrived."""
    async with asyncio.timeout(30), hostile_server(*steps) as server:
        exchange = await _get(server, SHORT, "POST")
    failure = _failure(exchange, FailureKind.TIMEOUT)
    assert failure.may_have_arrived
    assert exchange.elapsed >= SHORT.deadline
    assert len(server.requests) == 1


async def test_early_hints_and_then_an_answer_is_an_answer() -> None:
    """H035: 103 is skipped within the deadline."""
    hint = Send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    first, last = answer(body=b"ok")
    async with hostile_server(first, hint, hint, last) as server:
        exchange = await _get(server)
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.status == 200


async def test_what_came_before_the_deadline_is_kept() -> None:
    """A cut answer is shown as far as it came, and marked."""
    async with hostile_server(
        Receive(), Send(HEAD + b"X-Seen: yes\r\nContent-Length: 10\r\n\r\nabc"), Wait()
    ) as server:
        exchange = await _get(server, SHORT)
    _failure(exchange, FailureKind.TIMEOUT)
    assert exchange.response is not None
    assert exchange.response.headers.get("x-seen") == "yes"
    assert exchange.response.body == Body(b"abc", truncated=True)


async def test_a_tls_server_that_says_nothing_is_left() -> None:
    """The handshake has its own limit; nothing was sent."""
    async with hostile_server(Wait()) as server, Wire(environ={}) as wire:
        url = server.url.replace("http:", "https:")
        by_connect = await wire.send(Request("GET", url), limits=Limits(deadline=60, connect=0.2))
        by_deadline = await wire.send(Request("GET", url), limits=SHORT)
    assert not _failure(by_connect, FailureKind.TIMEOUT).may_have_arrived
    assert not _failure(by_deadline, FailureKind.TIMEOUT).may_have_arrived


async def test_a_handshake_that_is_given_up_closes_its_connection() -> None:
    """No socket is left, although httpcore leaves this one open."""
    async with hostile_server(Wait()) as server, Wire(environ={}) as wire:
        await wire.send(Request("GET", server.url.replace("http:", "https:")), limits=SHORT)
        async with asyncio.timeout(30):
            while not server.ended:
                await asyncio.sleep(0.01)


HEADER_FLOODS = {
    "one field of a megabyte": b"X: " + b"a" * 2**20 + b"\r\n",
    "no end of line at all": b"a" * 2**20,
    "65 fields": b"X: a\r\n" * 65,
    "10,000 fields": b"X: a\r\n" * 10_000,
    "10,000 challenges": b'WWW-Authenticate: Bearer realm="a"\r\n' * 10_000,
    "just over 32 KiB": b"X: " + b"a" * 32 * 1024 + b"\r\n",
}


@pytest.mark.parametrize("flood", HEADER_FLOODS.values(), ids=HEADER_FLOODS)
async def test_a_header_that_is_too_large_is_refused(flood: bytes) -> None:
    """GEN-9, H011: 64 fields, 32 KiB."""
    async with hostile_server(Receive(), Send(HEAD + flood + b"\r\n")) as server:
        exchange = await _get(server)
    _failure(exchange, FailureKind.TOO_LARGE)
    if exchange.response is not None:
        assert len(exchange.response.headers.fields) <= METADATA.header_count


async def test_an_endless_header_is_refused_without_filling_the_memory() -> None:
    """The flood stops by size, long before the deadline."""
    steps = (Receive(), Send(HEAD), Forever(Send(b"X: " + b"a" * 1000 + b"\r\n")))
    async with hostile_server(*steps) as server:
        exchange = await _get(server)
    _failure(exchange, FailureKind.TOO_LARGE)


BODY_FLOODS: dict[str, tuple[Step, ...]] = {
    "with a length": (
        Receive(),
        Send(HEAD + b"Content-Length: 5000000000\r\n\r\n"),
        Forever(Send(b"a" * 65536)),
    ),
    "without a length": (Receive(), Send(HEAD + b"\r\n"), Forever(Send(b"a" * 65536))),
    "in large chunks": (
        Receive(),
        Send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        Forever(Send(b"10000\r\n" + b"a" * 65536 + b"\r\n")),
    ),
    "in one enormous chunk": (
        Receive(),
        Send(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n"),
        Forever(Send(b"a" * 65536)),
    ),
}


@pytest.mark.parametrize("steps", BODY_FLOODS.values(), ids=BODY_FLOODS)
async def test_an_endless_body_is_left_at_the_limit(steps: tuple[Step, ...]) -> None:
    """GEN-9, H119: the connection is closed and not drained; memory stays bounded."""
    async with hostile_server(*steps) as server:
        tracemalloc.start()
        try:
            exchange = await _get(server)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    _failure(exchange, FailureKind.TOO_LARGE)
    assert exchange.response is not None
    assert exchange.response.body == Body(b"a" * METADATA.body, truncated=True)
    assert peak < 16 * 2**20


async def test_a_million_tiny_chunks_end_in_bounded_time() -> None:
    """H158: a 6-byte frame around every byte; the deadline holds."""
    steps = (
        Receive(),
        Send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        Forever(Send(b"1\r\na\r\n" * 10_000)),
    )
    async with asyncio.timeout(30), hostile_server(*steps) as server:
        exchange = await _get(server, Limits(deadline=0.5, body=2**20))
    _failure(exchange, FailureKind.TIMEOUT)


@pytest.mark.parametrize(
    "tail",
    [b"1;" + b"x" * 2**20 + b"\r\na\r\n0\r\n\r\n", b"0\r\n" + b"X: a\r\n" * 50_000 + b"\r\n"],
    ids=["chunk extension", "trailers"],
)
async def test_bombs_in_the_framing_of_chunks_are_refused(tail: bytes) -> None:
    """H158: a chunk extension of 100 KiB, a trailer bomb."""
    async with hostile_server(Receive(), Send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + tail)) as server:
        exchange = await _get(server)
    assert exchange.failure is not None
    assert exchange.failure.kind in {FailureKind.TOO_LARGE, FailureKind.PROTOCOL}


@cache
def _bomb() -> bytes:
    return gzip.compress(gzip.compress(b"\0" * 50_000_000))


ENCODINGS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", _bomb),
    "gzip twice": ("gzip, gzip", _bomb),
    "x-gzip": ("x-gzip", lambda: gzip.compress(b"{}")),
    "deflate": ("deflate", lambda: zlib.compress(b"\0" * 10_000_000)),
    "br": ("br", lambda: bytes.fromhex("5bffff3f") + b"\0" * 313),
    "zstd": ("zstd", lambda: bytes.fromhex("28b52ffd") + b"\0" * 100),
    "identity and gzip": ("identity, GZIP", lambda: gzip.compress(b"{}")),
    "a name with controls": ("\x1b[2Jevil", lambda: b"{}"),
    "gzip that is none": ("gzip", lambda: b"{}"),
}


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "400 Bad Request"])
@pytest.mark.parametrize(("name", "make"), ENCODINGS.values(), ids=ENCODINGS)
async def test_a_compressed_answer_is_refused_and_never_decoded(
    name: str, make: Callable[[], bytes], status: str
) -> None:
    """H157: the raw bytes are kept as they came, and memory does not grow."""
    body = make()
    async with hostile_server(*answer(status, f"Content-Encoding: {name}", body=body)) as server:
        tracemalloc.start()
        try:
            exchange = await _get(server)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert exchange.failure is not None
    assert peak < 8 * 2**20
    if name.isprintable():
        assert exchange.failure.kind is FailureKind.ENCODING
        assert exchange.response is not None
        assert exchange.response.body == Body(body)
    assert exchange.failure.cause.isprintable()


async def test_two_content_encoding_fields_are_both_read() -> None:
    """An honest first field does not hide a second one."""
    fields = ("Content-Encoding: identity", "Content-Encoding: gzip")
    async with hostile_server(*answer("200 OK", *fields, body=b"{}")) as server:
        exchange = await _get(server)
    _failure(exchange, FailureKind.ENCODING)
