"""Servers that do not speak HTTP/1.1, or break off: the layer is named and nothing is tried twice (H158)."""

import pytest

from authlens_core.values.exchange import Exchange, FailureKind, Request
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import Limits
from support.hostile_server import Close, Receive, Reset, Send, Step, hostile_server

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def _post(*steps: Step) -> Exchange:
    """POST once; whatever happens, the server must have seen at most one request."""
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        request = Request("POST", server.url, body=Body(b"refresh_token=once"))
        exchange = await wire.send(request, limits=Limits(deadline=60), loopback_http=True)
        assert server.connections == 1
        assert len(server.requests) <= 1
    assert exchange.elapsed < 5
    return exchange


GARBAGE = {
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "SMTP": b"220 mail.example ESMTP\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "HTTP/2 preface answer": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18 + b"\r\n\r\n",
    "status of letters": b"HTTP/1.1 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "field without a colon": HEAD + b"no colon here\r\n\r\n",
    "space before the colon": HEAD + b"Content-Length : 5\r\n\r\nhello",
    "NUL in a field": HEAD + b"X: a\x00b\r\n\r\n",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "length of letters": HEAD + b"Content-Length: ten\r\n\r\n",
    "length with a sign": HEAD + b"Content-Length: +5\r\n\r\nhello",
    "two lengths that differ": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "chunk size of letters": CHUNKED + b"zz\r\na\r\n0\r\n\r\n",
    "chunk size of 100 digits": CHUNKED + b"f" * 100 + b"\r\na",
    "negative chunk size": CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
    "chunk without its end": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "unknown transfer coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
async def test_what_is_not_http_is_called_so(data: bytes) -> None:
    """H019, H158: the cause names the host and no byte of the garbage."""
    exchange = await _post(Receive(), Send(data), Close())
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.PROTOCOL
    assert exchange.failure.cause.startswith("127.0.0.1:")
    assert exchange.failure.may_have_arrived


BROKEN_OFF: dict[str, tuple[Step, ...]] = {
    "before the answer": (Receive(), Close()),
    "in the status line": (Receive(), Send(b"HTTP/1."), Close()),
    "in the header": (Receive(), Send(HEAD + b"X: "), Close()),
    "in the body": (Receive(), Send(HEAD + b"Content-Length: 10\r\n\r\nabc"), Close()),
    "in a chunk": (Receive(), Send(CHUNKED + b"a\r\nabc"), Close()),
    "before the last chunk": (Receive(), Send(CHUNKED + b"3\r\nabc\r\n"), Close()),
    "by reset before the answer": (Receive(), Reset()),
    "by reset in the body": (Receive(), Send(HEAD + b"Content-Length: 10\r\n\r\nabc"), Reset()),
}


@pytest.mark.parametrize("steps", BROKEN_OFF.values(), ids=BROKEN_OFF)
async def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(steps: tuple[Step, ...]) -> None:
    """H103: the one POST may have been acted on, and is not sent again."""
    exchange = await _post(*steps)
    assert exchange.failure is not None
    assert exchange.failure.kind in {FailureKind.PROTOCOL, FailureKind.CONNECT}
    assert exchange.failure.may_have_arrived
    assert "may have acted" in str(exchange.failure.cure)
    if exchange.response is not None:
        assert exchange.response.body.truncated


async def test_a_length_that_is_too_small_cuts_the_body_there() -> None:
    """H158: the length is believed, and what follows belongs to nothing."""
    exchange = await _post(Receive(), Send(HEAD + b"Content-Length: 2\r\n\r\n{}surplus"), Close())
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.body == Body(b"{}")


async def test_an_early_answer_to_an_unread_request_is_read() -> None:
    """A server may refuse before it has read the body; its words are worth more than the broken pipe."""
    steps = (Send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), Receive(), Close())
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        request = Request("POST", server.url, body=Body(b"a=b"))
        exchange = await wire.send(request, limits=Limits(deadline=60), loopback_http=True)
    assert exchange.response is None or exchange.response.status == 413


async def test_surplus_bytes_are_never_the_answer_to_the_next_request() -> None:
    """A server that answers twice to one request cannot put words into the next exchange."""
    surplus = b"HTTP/1.1 200 OK\r\nX-Smuggled: yes\r\nContent-Length: 0\r\n\r\n"
    steps = (
        Receive(),
        Send(HEAD + b"Content-Length: 2\r\n\r\n{}" + surplus),
        Receive(),
        Send(HEAD + b"Content-Length: 4\r\n\r\nreal"),
    )
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        await wire.send(Request("GET", server.url), loopback_http=True, limits=Limits(deadline=60))
        second = await wire.send(Request("GET", server.url), loopback_http=True, limits=Limits(deadline=60))
    assert second.response is None or second.response.headers.get("x-smuggled") is None
