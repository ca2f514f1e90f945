"""Where a request goes, and where it must not go (GEN-3, GEN-10)."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest

from authlens_core.values.exchange import FailureKind, Headers, Request
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url
from authlens_core.wire.addresses import AddressPolicy
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import Limits
from authlens_core.wire.streaming import StreamedRequest, StreamFailed
from support.hostile_server import LocalAuthority, Reset, Send, answer, hostile_server
from wild.connect_proxy import connect_proxy

CANARY = "canary-77ab-routing-secret"
LIMITS = Limits(deadline=60)
PUBLIC = AddressPolicy.PUBLIC_ONLY


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_a_redirect_is_shown_and_not_followed(method: str, status: str) -> None:
    """H102: the refresh token stays where it was sent."""
    async with (
        hostile_server(*answer()) as other,
        hostile_server(*answer(status, f"Location: {other.url}")) as server,
        Wire(environ={}) as wire,
    ):
        request = Request(method, server.url, Headers.of([("Authorization", CANARY)]), Body(b"token=once"))
        exchange = await wire.send(request, loopback_http=True, limits=LIMITS)
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.headers.get("location") == other.url
    assert other.connections == 0
    assert len(server.requests) == 1


async def test_cookies_are_not_sent_back() -> None:
    """H113: no jar is shared between steps; the field is on record all the same."""
    steps = answer("200 OK", "Set-Cookie: CF_Authorization=x; Path=/")
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        exchanges = [
            await wire.send(Request("GET", server.url), loopback_http=True, limits=LIMITS) for _ in range(2)
        ]
    assert exchanges[0].response is not None
    assert exchanges[0].response.headers.get("set-cookie") is not None
    assert len(server.requests) == 2
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GEN-10: a password for this very host stays in its file."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {CANARY}\ndefault login me password {CANARY}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    async with hostile_server(*answer()) as server, Wire() as wire:
        await wire.send(Request("GET", server.url), loopback_http=True, limits=LIMITS)
    assert b"authorization" not in server.requests[0].lower()


async def _resolves_to(*addresses: str) -> Sequence[str]:
    return addresses


PRIVATE = ["169.254.169.254", "127.0.0.1", "10.0.0.1", "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[fe80::1]"]


@pytest.mark.parametrize("host", PRIVATE)
async def test_an_address_inside_the_network_is_refused_when_a_server_named_it(host: str) -> None:
    """GEN-3, H015: named in the cause, and there was no connection."""
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", f"https://{host}:6379/"), addresses=PUBLIC, limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ADDRESS
    assert host.strip("[]").removeprefix("::ffff:") in exchange.failure.cause.replace("a00:1", "10.0.0.1")
    assert not exchange.failure.may_have_arrived
    assert exchange.peer is None


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "localhost.", "127.1"])
async def test_odd_spellings_of_loopback_are_refused(host: str) -> None:
    """H015: the URL check or the address check, in any case before a connection."""
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", f"https://{host}/"), addresses=PUBLIC, limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind in {FailureKind.URL, FailureKind.ADDRESS}
    assert exchange.peer is None


async def test_a_name_with_public_and_private_addresses_is_refused() -> None:
    """H015."""
    async with Wire(environ={}, resolver=lambda _h, _p: _resolves_to("1.1.1.1", "192.168.0.1")) as wire:
        exchange = await wire.send(Request("GET", "https://localhost/"), addresses=PUBLIC, limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ADDRESS
    assert "192.168.0.1" in exchange.failure.cause


async def test_a_name_that_changes_between_check_and_connection_is_refused() -> None:
    """GEN-3, DNS rebinding: the check sees a public address, the connection reaches this machine."""
    authority = LocalAuthority()
    async with hostile_server(*answer(), context=authority.server_context()) as server:
        wire = Wire(
            environ={},
            ssl_context=authority.client_context(),
            resolver=lambda _h, _p: _resolves_to("1.1.1.1"),
        )
        async with wire:
            exchange = await wire.send(Request("POST", server.url), addresses=PUBLIC, limits=LIMITS)
            allowed = await wire.send(Request("POST", server.url), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ADDRESS
    assert "127.0.0.1" in exchange.failure.cause
    assert not exchange.failure.may_have_arrived
    assert allowed.failure is None
    assert len(server.requests) == 1


async def test_a_host_the_person_named_may_be_private() -> None:
    """The policy is for URLs that a public server supplied; a company's own wiki is private."""
    async with hostile_server(*answer()) as server, Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", server.url), loopback_http=True, limits=LIMITS)
    assert exchange.failure is None


async def test_a_request_goes_through_the_proxy_and_says_so() -> None:
    """GEN-10: CONNECT to the host, TLS with the host, the proxy on record and its password nowhere."""
    authority = LocalAuthority()
    steps = answer(body=b"behind the proxy")
    async with (
        hostile_server(*steps, context=authority.server_context("wiki.example.com")) as server,
        connect_proxy(server.port) as proxy,
    ):
        environ = {"HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:{proxy.port}"}
        async with Wire(environ=environ, ssl_context=authority.client_context()) as wire:
            request = Request("GET", "https://wiki.example.com/page")
            exchange = await wire.send(request, addresses=PUBLIC, limits=LIMITS)
    assert exchange.failure is None
    assert exchange.response is not None
    assert exchange.response.body == Body(b"behind the proxy")
    assert exchange.proxy == f"127.0.0.1:{proxy.port}"
    assert exchange.tls is not None
    assert proxy.heads[0].startswith(b"CONNECT wiki.example.com:443 HTTP/1.1\r\n")
    credentials = base64.b64encode(f"me:{CANARY}".encode())
    assert b"Proxy-Authorization: Basic " + credentials in proxy.heads[0]
    assert server.requests[0].startswith(b"GET /page HTTP/1.1\r\n")
    assert b"proxy-authorization" not in server.requests[0].lower()
    shown = repr(exchange) + repr(exchange.request.headers.fields)
    assert CANARY not in shown
    assert credentials.decode() not in shown
    assert exchange.timings.wait is not None


async def test_a_stream_goes_through_the_proxy() -> None:
    """GEN-10: as a request of authlens itself does, TLS with the host included."""
    authority = LocalAuthority()
    async with (
        hostile_server(
            *answer(body=b"streamed"), context=authority.server_context("wiki.example.com")
        ) as server,
        connect_proxy(server.port) as proxy,
    ):
        environ = {"HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:{proxy.port}"}
        request = StreamedRequest("GET", parse_url("https://wiki.example.com/"), b"/page", ((b"Host", b"x"),))
        async with (
            Wire(environ=environ, ssl_context=authority.client_context()) as wire,
            wire.stream(request) as found,
        ):
            assert b"".join([chunk async for chunk in found.body]) == b"streamed"
    assert proxy.heads[0].startswith(b"CONNECT wiki.example.com:443 HTTP/1.1\r\n")
    credentials = base64.b64encode(f"me:{CANARY}".encode())
    assert b"Proxy-Authorization: Basic " + credentials in proxy.heads[0]
    assert b"proxy-authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
async def test_a_stream_that_the_proxy_refuses_names_the_proxy(status: str) -> None:
    request = StreamedRequest("GET", parse_url("https://wiki.example.com/"), b"/", ((b"Host", b"x"),))
    async with (
        hostile_server(*answer(status)) as proxy,
        Wire(environ={"https_proxy": f"127.0.0.1:{proxy.port}"}) as wire,
    ):
        with pytest.raises(StreamFailed) as raised:
            async with wire.stream(request):
                pass
    assert raised.value.failure.kind is FailureKind.PROXY
    assert status[:3] in raised.value.failure.cause


async def test_this_machine_is_reached_without_the_proxy() -> None:
    """H162: although NO_PROXY is not set."""
    async with hostile_server(*answer()) as server, connect_proxy(server.port) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        environ = {"HTTP_PROXY": address, "HTTPS_PROXY": address, "ALL_PROXY": address}
        async with Wire(environ=environ) as wire:
            exchange = await wire.send(Request("GET", server.url), loopback_http=True, limits=LIMITS)
    assert exchange.failure is None
    assert exchange.proxy is None
    assert proxy.heads == []


@pytest.mark.parametrize(
    ("status", "word"), [("407 Proxy Authentication Required", "password"), ("403 Forbidden\x07", "NO_PROXY")]
)
async def test_a_proxy_that_refuses_is_named_with_its_cure(status: str, word: str) -> None:
    """H162: 407 and others; nothing of the request left."""
    async with hostile_server(*answer(status)) as proxy:
        environ = {"https_proxy": f"http://me:{CANARY}@127.0.0.1:{proxy.port}"}
        async with Wire(environ=environ) as wire:
            request = Request("POST", "https://wiki.example.com/", body=Body(b"code=once"))
            exchange = await wire.send(request, limits=LIMITS)
    failure = exchange.failure
    assert failure is not None
    assert failure.kind is FailureKind.PROXY
    assert f"127.0.0.1:{proxy.port}" in failure.cause
    assert word in str(failure.cure)
    assert failure.cause.isprintable()
    assert not failure.may_have_arrived
    assert CANARY not in repr(exchange)
    assert not any(b"code=once" in request for request in proxy.requests)


@pytest.mark.parametrize("step", [Reset(), Send(b"rubbish\r\n\r\n")], ids=["reset", "rubbish"])
async def test_a_proxy_that_does_not_speak_http_is_named(step: Reset | Send) -> None:
    """H162: the failure is the proxy's and not the host's."""
    async with (
        hostile_server(step) as proxy,
        Wire(environ={"https_proxy": f"127.0.0.1:{proxy.port}"}) as wire,
    ):
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.PROXY
    assert not exchange.failure.may_have_arrived


async def test_a_proxy_that_is_not_there_is_named() -> None:
    """H162."""
    async with hostile_server() as proxy:
        pass
    async with Wire(environ={"https_proxy": f"127.0.0.1:{proxy.port}"}) as wire:
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.PROXY
    assert "HTTPS_PROXY" in str(exchange.failure.cure)


async def test_a_proxy_with_a_certificate_of_a_stranger_is_refused_as_the_proxy() -> None:
    """H162: it is the proxy's certificate that failed, and the words say so."""
    stranger = LocalAuthority("a stranger").server_context()
    async with (
        hostile_server(*answer(), context=stranger) as proxy,
        Wire(
            environ={"https_proxy": f"https://localhost:{proxy.port}"},
            ssl_context=LocalAuthority().client_context(),
        ) as wire,
    ):
        exchange = await wire.send(Request("GET", "https://wiki.example.com/"), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.PROXY
    assert f"the proxy localhost:{proxy.port}" in exchange.failure.cause
    assert "a stranger" in exchange.failure.cause
    assert proxy.requests == []


async def test_a_private_address_is_refused_behind_a_proxy_too() -> None:
    """GEN-3: the proxy looks names up, but an address is an address."""
    async with (
        hostile_server(*answer()) as proxy,
        Wire(environ={"https_proxy": f"127.0.0.1:{proxy.port}"}) as wire,
    ):
        exchange = await wire.send(Request("GET", "https://10.0.0.1/"), addresses=PUBLIC, limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.ADDRESS
    assert proxy.connections == 0
