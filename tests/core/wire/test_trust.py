"""Whom TLS is trusted to."""

import ssl
from pathlib import Path

import pytest
import truststore

from authlens_core.values.exchange import FailureKind, Request, WireFailure
from authlens_core.wire.client import Wire
from authlens_core.wire.trust import (
    CertificateRefused,
    TrustUnusable,
    explain_certificate,
    trust_files,
    trusted,
)
from support.hostile_server import LocalAuthority, answer, hostile_server
from support.made_checks import present


def test_the_operating_system_is_trusted_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inspection authorities are installed there and nowhere else."""
    monkeypatch.setattr("authlens_core.wire.trust._store_exists", lambda: True)
    context, _ = trusted({})
    assert type(context) is truststore.SSLContext
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_ssl_cert_file_is_trusted(tmp_path: Path) -> None:
    """An authority of one's own: with it the server is trusted, without it not."""
    authority = LocalAuthority()
    bundle = tmp_path / "authority.pem"
    bundle.write_text(authority.pem)
    async with hostile_server(*answer(), context=authority.server_context()) as server:
        async with Wire(environ={"SSL_CERT_FILE": str(bundle)}) as wire:
            trusted = await wire.send(Request("GET", server.url))
        async with Wire(environ={}) as wire:
            refused = await wire.send(Request("GET", server.url))
    assert trusted.failure is None
    assert present(refused.failure).kind is FailureKind.TLS


def test_both_checks_stay_on_with_a_bundle_of_ones_own(tmp_path: Path) -> None:
    """GEN-2: chain and host name."""
    bundle = tmp_path / "authority.pem"
    bundle.write_text(LocalAuthority().pem)
    context, _ = trusted({"SSL_CERT_FILE": str(bundle)})
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, "no certificate here"])
async def test_a_bundle_that_cannot_be_read_is_said_by_its_variable(
    tmp_path: Path, content: str | None
) -> None:
    """The cure names the exact setting; nothing is sent."""
    bundle = tmp_path / "authority.pem"
    if content is not None:
        bundle.write_text(content)
    async with Wire(environ={"SSL_CERT_FILE": str(bundle)}) as wire:
        exchange = await wire.send(Request("GET", "https://localhost/"))
    assert present(exchange.failure).kind is FailureKind.TLS
    assert "SSL_CERT_FILE" in present(exchange.failure).cause
    assert exchange.peer is None


def test_a_missing_directory_is_said_by_its_variable(tmp_path: Path) -> None:
    """OpenSSL would silently trust nobody."""
    with pytest.raises(TrustUnusable, match="SSL_CERT_DIR"):
        trusted({"SSL_CERT_DIR": str(tmp_path / "missing")})


def test_the_bundle_of_certifi_serves_where_the_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small container without certificates still reaches the internet."""
    monkeypatch.setattr("authlens_core.wire.trust._store_exists", lambda: False)
    context, _ = trusted({})
    assert context.cert_store_stats()["x509_ca"] > 50


def _refusal(code: int, issuer: str | None) -> CertificateRefused:
    error = CertificateRefused("refused")
    error.verify_code, error.verify_message, error.issuer = code, "library words", issuer
    return error


def test_cloudflare_gateway_is_recognised_and_its_cure_given() -> None:
    """The one case a Cloudflare user meets; switching the check off is never the cure."""
    cause, cure = explain_certificate(
        _refusal(19, "CN=Gateway CA - Cloudflare Managed G1"), "wiki.example.com"
    )
    assert "wiki.example.com" in cause
    assert "Cloudflare Gateway inspects" in cure
    assert "SSL_CERT_FILE" in cure


@pytest.mark.parametrize(
    ("code", "word"),
    [(9, "not valid yet"), (10, "expired"), (18, "self-signed"), (62, "another host name"), (99, "library")],
)
def test_each_reason_has_plain_words(code: int, word: str) -> None:
    """GEN-2: the error names the reason."""
    cause, cure = explain_certificate(_refusal(code, None), "wiki.example.com")
    assert word in cause
    assert cure
    assert "Issuer" not in cause


def test_control_characters_in_an_issuer_are_made_visible() -> None:
    """H161: names are sanitised."""
    words = explain_certificate(_refusal(19, "CN=\x1b[2Jevil\u202e"), "wiki.example.com")
    cause = WireFailure(FailureKind.TLS, *words).cause
    assert cause.isprintable()


def test_requests_ca_bundle_counts_without_our_own_variables(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    environ = {"REQUESTS_CA_BUNDLE": str(bundle)}
    assert trust_files(environ) == (str(bundle), None)
    assert trust_files({**environ, "SSL_CERT_FILE": "/other.pem"}) == ("/other.pem", None)
    with pytest.raises(TrustUnusable, match="REQUESTS_CA_BUNDLE is not"):
        trusted(environ)
