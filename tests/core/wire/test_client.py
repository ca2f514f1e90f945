"""`Wire.send` and honest servers: the record is what was on the wire, byte for byte."""

import asyncio
import time
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from msgspec.structs import replace

from authlens_core.values.exchange import FORM_TYPE, FailureKind, Headers, Purpose, Request
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import RESOURCE, Limits
from authlens_core.wire.transport import _SocketStream
from support.hostile_server import LocalAuthority, Receive, Send, Wait, answer, hostile_server
from support.made_checks import present


async def test_an_answer_keeps_order_case_repetitions_and_reason() -> None:
    """Two WWW-Authenticate fields are two, and the server's own spelling is what is shown."""
    fields = ("WWW-Authenticate: Bearer", "x-odd-CASE: caf\xe9", "www-authenticate: Cloudflare-Access")
    steps = answer("401 Not Today", *fields, body=b"no")
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), loopback_http=True)
    response = present(exchange.response)
    assert (response.status, response.reason, response.http_version) == (401, "Not Today", "HTTP/1.1")
    assert response.headers.fields == (
        ("WWW-Authenticate", "Bearer"),
        ("x-odd-CASE", "caf\xe9"),
        ("www-authenticate", "Cloudflare-Access"),
        ("Content-Length", "2"),
    )
    assert response.body == Body(b"no")


async def test_an_exchange_tells_when_where_and_how_long() -> None:
    """Timings, peer and purpose are on record."""
    before = datetime.now(UTC)
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), loopback_http=True, purpose=Purpose.TOKEN)
    assert before <= exchange.started_at <= datetime.now(UTC)
    assert exchange.peer == f"127.0.0.1:{server.port}"
    assert exchange.purpose is Purpose.TOKEN
    assert exchange.proxy is None
    assert exchange.timings.tls is None
    assert exchange.tls is None
    spent = (exchange.timings.connect, exchange.timings.send, exchange.timings.wait, exchange.timings.receive)
    assert spent
    assert all(seconds is not None and 0 <= seconds <= exchange.elapsed for seconds in spent)


async def test_tls_version_cipher_and_time_are_recorded() -> None:
    """What protects the exchange is part of the record."""
    authority = LocalAuthority()
    async with (
        hostile_server(*answer(body=b"ok"), context=authority.server_context()) as server,
        Wire(environ={}, ssl_context=authority.client_context()) as wire,
    ):
        exchange = await wire.send(Request("GET", server.url))
    assert exchange.failure is None
    assert present(exchange.tls).startswith("TLSv1.3, TLS_")
    assert exchange.timings.tls is not None


async def test_every_exchange_has_a_connection_of_its_own() -> None:
    """Every record has its own peer and timings, and no exchange inherits another's troubles."""
    steps = (*answer(body=b"1"), *answer(body=b"2"))
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        exchanges = [await wire.send(Request("GET", server.url), loopback_http=True) for _ in range(2)]
    assert server.connections == 2
    for exchange in exchanges:
        assert present(exchange.response).body == Body(b"1")
        assert exchange.timings.connect is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://wiki.example.com/",
        "http://10.0.0.1/",
        "ftp://wiki.example.com/",
        "https://user:pass@wiki.example.com/",
        "https://good.example\\@evil.example/",
        "https://wiki.example.com/#fragment",
        "wiki.example.com",
        "",
    ],
)
async def test_an_address_that_is_not_strict_https_is_refused_before_anything_is_sent(url: str) -> None:
    """GEN-1, GEN-8: refused with the reason, and there is no peer because there was no connection."""
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", url), loopback_http=True)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.URL
    assert exchange.failure.cause
    assert not exchange.failure.may_have_arrived
    assert (exchange.response, exchange.peer) == (None, None)


async def test_plain_http_to_this_machine_needs_to_be_allowed() -> None:
    """GEN-1: zero connections unless `loopback_http` is set."""
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url))
    assert present(exchange.failure).kind is FailureKind.URL
    assert server.connections == 0


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "€", "a\x00b"])
async def test_a_header_field_that_cannot_be_sent_is_not_sent(value: str) -> None:
    """CVE-2020-5260 and its kin: no line end from a value reaches the wire."""
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        request = Request("GET", server.url, Headers.of([("X-Value", value)]))
        exchange = await wire.send(request, loopback_http=True)
    assert present(exchange.failure).kind is FailureKind.PROTOCOL
    assert not present(exchange.failure).may_have_arrived
    assert server.connections == 0


async def test_nobody_listening_is_a_failure_in_plain_words() -> None:
    """The cause names the host; nothing was sent."""
    async with hostile_server() as server:
        pass
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("POST", server.url), loopback_http=True)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.CONNECT
    assert f"127.0.0.1:{server.port}" in exchange.failure.cause
    assert "nothing listens there" in exchange.failure.cause
    assert not exchange.failure.may_have_arrived


async def test_a_name_that_does_not_exist_is_a_failure_in_plain_words() -> None:
    """`.invalid` never exists (RFC 6761 §6.4)."""
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", "https://team.invalid/"))
    assert present(exchange.failure).kind is FailureKind.NAME
    assert "team.invalid" in present(exchange.failure).cause


async def test_a_long_resource_is_cut_and_that_is_no_failure() -> None:
    """GEN-9: the first bytes of a resource are worth showing."""
    limits = Limits(body=100, cut_body=True)
    async with hostile_server(*answer(body=b"x" * 1000)) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), limits=limits, loopback_http=True)
    assert exchange.failure is None
    assert present(exchange.response).body == Body(b"x" * 100, truncated=True)


async def test_a_body_of_exactly_the_limit_is_complete() -> None:
    async with hostile_server(*answer(body=b"x" * 100)) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), limits=Limits(body=100), loopback_http=True)
    assert exchange.failure is None
    assert present(exchange.response).body == Body(b"x" * 100)


async def test_a_mebibyte_of_resource_is_kept_whole() -> None:
    """GEN-9: 1 MiB for the resource."""
    async with hostile_server(*answer(body=b"x" * 2**20)) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), limits=RESOURCE, loopback_http=True)
    assert len(present(exchange.response).body) == 2**20
    assert not present(exchange.response).body.truncated


async def test_cancelling_a_request_closes_its_connection() -> None:
    """Cancellation goes through, and the server sees the end of the connection."""
    async with hostile_server(Receive(), Wait()) as server, Wire(environ={}) as wire:
        task = asyncio.create_task(wire.send(Request("GET", server.url), loopback_http=True))
        async with asyncio.timeout(30):
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            while not server.ended:
                await asyncio.sleep(0.01)


async def test_an_honest_exchange_follows_a_bad_one_on_the_same_wire() -> None:
    """Nothing that a server did poisons the next request."""
    async with Wire(environ={}) as wire:
        async with hostile_server(Receive(), Send(b"rubbish\r\n\r\n")) as hostile:
            bad = await wire.send(Request("GET", hostile.url), loopback_http=True)
        async with hostile_server(*answer(body=b"fine")) as honest:
            good = await wire.send(Request("GET", honest.url), loopback_http=True)
    assert bad.failure is not None
    assert good.failure is None


async def test_a_wire_can_be_used_again_after_it_was_closed() -> None:
    """Closing closes connections and is not the end of the object."""
    wire = Wire(environ={})
    async with hostile_server(*answer(), *answer()) as server:
        await wire.send(Request("GET", server.url), loopback_http=True)
        await wire.aclose()
        exchange = await wire.send(Request("GET", server.url), loopback_http=True)
        await wire.aclose()
    assert exchange.failure is None
    assert server.connections == 2


@pytest.mark.parametrize("event", [b"", b'data: {"jsonrpc": "2.0"}\n\n'], ids=["silent", "one event"])
async def test_a_stream_of_events_that_never_ends_is_read_up_to_its_first_event(event: bytes) -> None:
    """Its head is what counts; nobody waits for the deadline."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
    async with hostile_server(Receive(), Send(head + event), Wait(60)) as server, Wire(environ={}) as wire:
        async with asyncio.timeout(30):
            exchange = await wire.send(
                Request("GET", server.url), limits=replace(RESOURCE, deadline=60.0), loopback_http=True
            )
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.status == 200
    assert exchange.response.body.reveal() == event
    assert exchange.response.body.truncated


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_an_answer_that_was_read_outlives_a_deadline_that_ends_while_the_connection_closes(
    tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has acted, and a token in the answer would be lost."""
    authority, loop = LocalAuthority(), asyncio.get_running_loop()
    close = _SocketStream.aclose

    async def late(stream: _SocketStream) -> None:
        monkeypatch.setattr(_SocketStream, "aclose", close)
        monkeypatch.setattr(loop, "time", lambda: time.monotonic() + 3600)
        try:
            await asyncio.Event().wait()  # until the deadline
        finally:
            await close(stream)

    monkeypatch.setattr(_SocketStream, "aclose", late)
    context = authority.server_context() if tls else None
    async with (
        hostile_server(*answer(body=b"whole"), context=context) as server,
        Wire(environ={}, ssl_context=authority.client_context()) as wire,
    ):
        exchange = await wire.send(Request("GET", server.url), loopback_http=True)
    assert exchange.failure is None
    assert present(exchange.response).body == Body(b"whole")


async def test_the_recorded_request_is_what_the_server_received() -> None:
    """Every header field is on record, in the order and case in which it went out."""
    headers = Headers.of([("Content-Type", FORM_TYPE), ("X-Tamper", "caf\xe9"), ("x-tamper", "twice")])
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        url = server.url + "path;v=1/%7Ea?q='x'&y=(1)"
        request = Request("POST", url, headers, Body(b"a=b&c=d"))
        exchange = await wire.send(request, loopback_http=True)
    sent = exchange.request
    target = sent.url.removeprefix(f"http://127.0.0.1:{server.port}")
    lines = [f"{sent.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers.fields)]
    assert server.requests == ["\r\n".join([*lines, "", ""]).encode("latin-1") + sent.body.reveal()]
    assert exchange.failure is None


async def test_authlens_names_itself_and_asks_for_an_uncompressed_answer() -> None:
    """A library's user agent is blocked at the edge."""
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        greedy = Request("GET", server.url, Headers.of([("accept-encoding", "gzip, br")]))
        exchange = await wire.send(greedy, loopback_http=True)
    assert exchange.request.headers.get_all("user-agent") == (f"authlens/{version('authlens')}",)
    assert exchange.request.headers.get_all("accept-encoding") == ("identity",)


async def test_a_stage_may_set_accept_and_it_is_sent_once() -> None:
    """What a stage asks for replaces the default and does not stand beside it."""
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        request = Request("GET", server.url, Headers.of([("Accept", "application/json")]))
        exchange = await wire.send(request, loopback_http=True)
    assert exchange.request.headers.get_all("accept") == ("application/json",)
