"""Requests through a SOCKS5 proxy, and proxies that refuse or misbehave (GEN-10)."""

import pytest

from authlens_core.values.exchange import FailureKind, Request
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url
from authlens_core.wire import proxy_settings
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import Limits
from authlens_core.wire.streaming import STREAM_TIMEOUTS, StreamedRequest, StreamFailed
from support.hostile_server import LocalAuthority, answer, hostile_server
from wild.socks_proxy import ANSWERS, socks_proxy

CANARY = "canary-77ab-routing-secret"
LIMITS = Limits(deadline=60)
PUBLIC = AddressPolicy.PUBLIC_ONLY


async def test_a_request_and_a_stream_go_through_a_socks_proxy_which_looks_up_the_name() -> None:
    authority = LocalAuthority()
    context = authority.server_context("wiki.example.com")
    streamed = StreamedRequest("GET", parse_url("https://wiki.example.com/"), b"/page", ((b"Host", b"x"),))
    async with (
        hostile_server(*answer(body=b"behind the proxy"), context=context) as server,
        socks_proxy(server.port) as proxy,
    ):
        environ = {"ALL_PROXY": f"socks5h://me:{CANARY}@127.0.0.1:{proxy.port}"}
        async with Wire(environ=environ, ssl_context=authority.client_context()) as wire:
            request = Request("GET", "https://wiki.example.com/page")
            exchange = await wire.send(request, addresses=PUBLIC, limits=LIMITS)
            async with wire.stream(streamed) as found:
                assert b"".join([chunk async for chunk in found.body]) == b"behind the proxy"
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.body == Body(b"behind the proxy")
    assert exchange.proxy == f"127.0.0.1:{proxy.port}"
    assert exchange.tls is not None
    assert proxy.asked == [(b"wiki.example.com", 443)] * 2
    assert proxy.signed_in == [(b"me", CANARY.encode())] * 2
    assert CANARY not in repr(exchange)


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("method", b"\x05\xff"),
        ("method", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        ("method", b""),
        ("password", b"\x01\x01"),
        ("connect", b"\x05\x05\x00\x01\x7f\x00\x00\x01\x00\x50"),
        ("connect", b"\x05"),
    ],
)
async def test_what_a_socks_proxy_refuses_or_answers_wrongly_is_its_failure(step: str, reply: bytes) -> None:
    """The library httpcore holds its answers to assertions, and socksio has errors of its own."""
    async with (
        hostile_server(*answer()) as server,
        socks_proxy(server.port, {**ANSWERS, step: reply}) as proxy,
        Wire(environ={"HTTPS_PROXY": f"socks5://me:{CANARY}@127.0.0.1:{proxy.port}"}) as wire,
    ):
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
        with pytest.raises(StreamFailed) as raised:
            async with wire.stream(StreamedRequest("GET", parse_url("https://wiki.example.com/"), b"/", ())):
                pass
    for failure in (exchange.failure, raised.value.failure):
        assert failure is not None
        assert failure.kind is FailureKind.PROXY
        assert f"127.0.0.1:{proxy.port}" in failure.cause
        assert not failure.may_have_arrived
    assert server.connections == 0


async def test_a_socks_proxy_that_does_not_answer_is_given_up_at_the_deadline() -> None:
    async with (
        socks_proxy(1, {}) as proxy,
        Wire(environ={"HTTPS_PROXY": f"socks5://127.0.0.1:{proxy.port}"}) as wire,
    ):
        request = Request("GET", "https://wiki.example.com/")
        exchange = await wire.send(request, limits=Limits(deadline=0.3))
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.TIMEOUT
    assert "asking the proxy for" in exchange.failure.cause


async def test_a_stream_does_not_wait_forever_for_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library httpcore gives the steps of SOCKS no time of their own."""
    monkeypatch.setitem(STREAM_TIMEOUTS, "read", 0.3)
    async with (
        socks_proxy(1, {}) as proxy,
        Wire(environ={"HTTPS_PROXY": f"socks5://127.0.0.1:{proxy.port}"}) as wire,
    ):
        with pytest.raises(StreamFailed) as raised:
            async with wire.stream(StreamedRequest("GET", parse_url("https://wiki.example.com/"), b"/", ())):
                pass
    assert raised.value.failure.kind is FailureKind.PROXY


async def test_a_strangers_certificate_behind_a_socks_proxy_is_the_servers() -> None:
    stranger = LocalAuthority("a stranger").server_context("wiki.example.com")
    async with (
        hostile_server(*answer(), context=stranger) as server,
        socks_proxy(server.port) as proxy,
        Wire(
            environ={"HTTPS_PROXY": f"socks5://me:x@127.0.0.1:{proxy.port}"},
            ssl_context=LocalAuthority().client_context(),
        ) as wire,
    ):
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.TLS


async def test_a_socks_proxy_without_its_extra_is_refused_and_the_extra_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing goes out directly instead."""
    monkeypatch.setattr(proxy_settings, "find_spec", lambda _name: None)
    async with Wire(environ={"ALL_PROXY": f"socks5://me:{CANARY}@127.0.0.1:1"}) as wire:
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.PROXY
    assert "ALL_PROXY" in exchange.failure.cause
    assert "authlens[socks]" in exchange.failure.cause
    assert CANARY not in repr(exchange)
    assert exchange.peer is None
