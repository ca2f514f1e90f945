"""MCP's older transport behind the proxy: its first event names an address of the proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from authlens_core.gateway.forwarding import Mapping, may_name_endpoint, with_endpoint_here
from authlens_core.values.url import parse_url

HERE = Mapping(parse_url("https://r.example/sse"), "http://127.0.0.1:4000", "/secret")
STREAM = [(b"Content-Type", b"text/event-stream; charset=utf-8")]


async def passed(text: bytes, size: int) -> bytes:
    """Return what a client gets of a stream that comes in pieces."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), size):
            yield text[start : start + size]

    return b"".join([chunk async for chunk in with_endpoint_here(chunks(), HERE)])


@pytest.mark.parametrize("size", [1, 9, 1_000])
@pytest.mark.parametrize("named", ["/messages?s=1", "https://r.example/messages?s=1"])
async def test_the_endpoint_is_one_of_the_proxy(named: str, size: int) -> None:
    rest = b"event: message\ndata: {}\n\n"
    given = f"event: endpoint\r\ndata: {named}\r\n\r\n".encode() + rest
    wanted = b"event: endpoint\ndata: http://127.0.0.1:4000/secret/messages?s=1\n\n" + rest
    assert await passed(given, size) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"data: /messages\n\ndata: 2\n\n",
        b"event: endpoint\ndata: https://elsewhere.example/messages\n\n",
        b"event: endpoint\ndata: //elsewhere.example/messages\n\n",
        b": a comment\n\nevent: message\ndata: {}\n\n",
        b"data: no end",
        b"x" * 20_000,
        b"",
    ],
)
async def test_every_other_stream_passes_as_it_is(text: bytes) -> None:
    """Another origin stays one: what is posted there has no credential."""
    assert await passed(text, 700) == text


@pytest.mark.parametrize(
    ("method", "status", "fields", "may"),
    [
        ("GET", 200, STREAM, True),
        ("POST", 200, STREAM, False),
        ("GET", 401, STREAM, False),
        ("GET", 200, [*STREAM, (b"content-encoding", b"gzip")], False),
        ("GET", 200, [*STREAM, (b"Content-Length", b"9")], False),
        ("GET", 200, [(b"Content-Type", b"text/plain")], False),
    ],
)
def test_only_a_stream_whose_bytes_may_change_is_read(
    method: str, status: int, fields: list[tuple[bytes, bytes]], *, may: bool
) -> None:
    assert may_name_endpoint(method, status, fields) is may
