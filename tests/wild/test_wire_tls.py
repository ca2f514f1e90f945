"""TLS that must not be trusted is refused with the reason, before the request leaves (GEN-2, H161)."""

import ssl
import warnings

import pytest

from authlens_core.values.exchange import Exchange, FailureKind, Request, WireFailure
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import Limits
from support.hostile_server import LocalAuthority, Receive, Reset, Send, Wait, answer, hostile_server

AUTHORITY = LocalAuthority("Gateway CA - Cloudflare Managed G1 test")
STRANGER = LocalAuthority("a stranger")
LIMITS = Limits(deadline=60)


async def _post_to(context: ssl.SSLContext, trusted: ssl.SSLContext) -> tuple[Exchange, list[bytes]]:
    async with (
        hostile_server(*answer(body=b"ok"), context=context) as server,
        Wire(environ={}, ssl_context=trusted) as wire,
    ):
        request = Request("POST", server.url, body=Body(b"code=once"))
        exchange = await wire.send(request, limits=LIMITS)
    return exchange, server.requests


def _tls_failure(exchange: Exchange) -> WireFailure:
    assert exchange.failure is not None
    assert exchange.failure.kind is FailureKind.TLS
    assert "localhost" in exchange.failure.cause or "127.0.0.1" in exchange.failure.cause
    assert not exchange.failure.may_have_arrived
    assert exchange.response is None
    told = f"{exchange.failure.cause} {exchange.failure.cure}".lower()
    assert not any(word in told for word in ("insecure", "verify=false", "disable", "skip", "ignore"))
    return exchange.failure


BAD_CERTIFICATES = {
    "self-signed": (AUTHORITY.server_context(self_signed=True), "self-signed"),
    "an unknown authority": (STRANGER.server_context(), "does not trust"),
    "another name": (AUTHORITY.server_context("other.example"), "another host name"),
    "expired": (AUTHORITY.server_context(valid_from_days=-20, valid_to_days=-1), "expired"),
    "not valid yet": (AUTHORITY.server_context(valid_from_days=2), "not valid yet"),
}


@pytest.mark.parametrize(("context", "reason"), BAD_CERTIFICATES.values(), ids=BAD_CERTIFICATES)
async def test_a_bad_certificate_is_refused_with_its_reason(context: ssl.SSLContext, reason: str) -> None:
    """GEN-2: nothing reaches the server, and the words say which check failed."""
    exchange, requests = await _post_to(context, AUTHORITY.client_context())
    assert reason in _tls_failure(exchange).cause
    assert requests == []


async def test_the_issuer_of_an_untrusted_certificate_is_named() -> None:
    """Who signed it is what tells inspection from attack."""
    exchange, _ = await _post_to(STRANGER.server_context(), AUTHORITY.client_context())
    assert "a stranger" in _tls_failure(exchange).cause


async def test_cloudflare_gateway_is_recognised_with_the_trust_of_the_system() -> None:
    """The authority is missing from the store, and the cure says where it goes."""
    async with (
        hostile_server(*answer(), context=AUTHORITY.server_context()) as server,
        Wire(environ={}) as wire,
    ):
        exchange = await wire.send(Request("GET", server.url), limits=LIMITS)
    failure = _tls_failure(exchange)
    assert "Cloudflare Gateway" in str(failure.cure)
    assert "operating system's store" in str(failure.cure)
    assert "SSL_CERT_FILE" in str(failure.cure)


async def test_control_characters_in_a_certificate_are_made_visible() -> None:
    """H161: a certificate's names are text from outside."""
    context = STRANGER.server_context(self_signed=True, subject="evil\x1b[2J\u202e")
    exchange, _ = await _post_to(context, AUTHORITY.client_context())
    assert _tls_failure(exchange).cause.isprintable()


async def test_tls_1_1_is_refused() -> None:
    """H161: the server offers only what is no longer safe."""
    context = AUTHORITY.server_context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    exchange, requests = await _post_to(context, AUTHORITY.client_context())
    _tls_failure(exchange)
    assert requests == []


async def test_a_demand_for_a_client_certificate_is_named() -> None:
    """H161: in TLS 1.3 the refusal comes after the request, so it may have arrived."""
    context = AUTHORITY.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=AUTHORITY.pem)
    exchange, requests = await _post_to(context, AUTHORITY.client_context())
    assert exchange.failure is not None
    assert exchange.failure.kind in {FailureKind.TLS, FailureKind.PROTOCOL, FailureKind.CONNECT}
    assert requests == []


NOT_TLS = {
    "plain HTTP": Send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    "an SSH banner": Send(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a TLS alert": Send(b"\x15\x03\x01\x00\x02\x02\x28"),
    "a truncated handshake": Send(b"\x16\x03\x03\x00\x40\x02"),
    "a reset": Reset(),
}


@pytest.mark.parametrize("step", NOT_TLS.values(), ids=NOT_TLS)
async def test_a_port_without_tls_is_said_to_be_no_https_server(step: Send | Reset) -> None:
    """H019: the layer is named."""
    async with hostile_server(step) as server, Wire(environ={}) as wire:
        url = server.url.replace("http:", "https:")
        exchange = await wire.send(Request("GET", url), limits=LIMITS)
    _tls_failure(exchange)


async def test_a_tls_connection_that_dies_after_the_request_leaves_the_outcome_unknown() -> None:
    """The POST went out, the answer did not come."""
    async with (
        hostile_server(Receive(), Reset(), context=AUTHORITY.server_context()) as server,
        Wire(environ={}, ssl_context=AUTHORITY.client_context()) as wire,
    ):
        exchange = await wire.send(Request("POST", server.url, body=Body(b"a=b")), limits=LIMITS)
    assert exchange.failure is not None
    assert exchange.failure.may_have_arrived
    assert exchange.tls is not None
    assert len(server.requests) == 1


async def test_a_tls_server_on_a_plain_address_is_not_http() -> None:
    """The other way round: http to a TLS port on this machine."""
    async with (
        hostile_server(Receive(), Wait(), context=AUTHORITY.server_context()) as server,
        Wire(environ={}) as wire,
    ):
        url = f"http://127.0.0.1:{server.port}/"
        exchange = await wire.send(Request("GET", url), limits=LIMITS, loopback_http=True)
    assert exchange.failure is not None
    assert exchange.failure.kind in {FailureKind.PROTOCOL, FailureKind.CONNECT}
