"""A proof of possession in a request is taken apart (RFC 9449)."""

from datetime import UTC, datetime

from authlens_core.export.redaction import NoRedactor
from authlens_core.oauth.dpop import DpopNonces, make_dpop_key, with_proof
from authlens_core.oauth.token import authorization_field
from authlens_core.values.exchange import Headers, Request
from authlens_core.values.secret import Secret
from authlens_tui.widgets.record.exchange_view import request_lines

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_claims_of_a_proof_are_shown_with_what_they_mean() -> None:
    bare = Request(
        "GET", "https://r.example/x?q", Headers.of([authorization_field("DPoP", Secret("t" * 40))])
    )
    nonces = DpopNonces({"resource https://r.example": "the-nonce"})
    sent = with_proof(bare, make_dpop_key(), nonces, now=NOW, jti="number-one")
    shown = [one.text for one in request_lines(sent, NoRedactor())]
    text = "\n".join(shown)
    assert "Proof in DPoP" in text
    assert "not verified" not in text
    for name, value in (("htm", "GET"), ("htu", "https://r.example/x"), ("jti", "number-one")):
        assert any(name in line and value in line and "RFC 9449" in line for line in shown), name
    assert any("nonce" in line and "the-nonce" in line for line in shown)
