"""Proofs of possession: bound to method, URL, token and nonce, and verified by another implementation."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from authlens_core.oauth.dpop import (
    BadDpopKey,
    DpopKey,
    DpopNonces,
    algorithm_check,
    load_dpop_key,
    make_dpop_key,
    make_jti,
    wants_nonce,
    with_proof,
)
from authlens_core.oauth.token import authorization_field
from authlens_core.values.check import Severity
from authlens_core.values.exchange import Headers, Request, Response
from authlens_core.values.secret import Body, Secret
from authlens_core.values.url import parse_url

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = make_dpop_key()
TOKEN_URL = parse_url("https://as.example/token")


def taken_apart(proof: Secret, key: DpopKey = KEY) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verify a proof with its key; return header and claims."""
    found = jws.deserialize_compact(proof.reveal(), ECKey.import_key(dict(key.public_jwk)), ["ES256"])
    return dict(found.protected), json.loads(found.payload)


def to(url: str, *fields: tuple[str, str]) -> Request:
    return Request("POST", url, Headers.of(fields))


TOKEN = to(TOKEN_URL.text)


def proof_of(method: str, url: str, *fields: tuple[str, str], nonces: DpopNonces | None = None) -> Secret:
    request = Request(method, url, Headers.of(fields))
    (value,) = with_proof(request, KEY, nonces or DpopNonces(), now=NOW, jti="one").headers.get_all("dpop")
    return Secret(value)


def sent_proof(request: Request) -> dict[str, Any]:
    (value,) = request.headers.get_all("dpop")
    return taken_apart(Secret(value))[1]


def answer(status: int, *fields: tuple[str, str], body: bytes = b"") -> Response:
    return Response(status, headers=Headers.of(fields), body=Body(body))


def test_a_proof_names_method_url_and_time() -> None:
    """DP-2: nothing else is in it without token and nonce."""
    header, claims = taken_apart(proof_of("POST", TOKEN_URL.text))
    assert header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(KEY.public_jwk)}
    assert claims == {"jti": "one", "htm": "POST", "htu": TOKEN_URL.text, "iat": int(NOW.timestamp())}


def test_a_proof_never_carries_the_private_key() -> None:
    """DP-2."""
    header, _ = taken_apart(proof_of("POST", TOKEN_URL.text))
    assert set(header["jwk"]) == {"kty", "crv", "x", "y"}
    assert json.loads(KEY.private_jwk.reveal())["d"] not in repr(KEY)


def test_query_and_empty_path_are_normalised() -> None:
    """DP-2: RFC 9449 §4.2, §4.3."""
    proof = proof_of("GET", "https://r.example?q=1")
    assert taken_apart(proof)[1]["htu"] == "https://r.example/"


def test_token_and_nonce_are_bound_in() -> None:
    """DP-3: `ath` is the hash of the token, so the proof fits no other."""
    nonces = DpopNonces({f"resource {TOKEN_URL.origin}": "n"})
    proof = proof_of("GET", TOKEN_URL.text, ("Authorization", "DPoP t"), nonces=nonces)
    claims = taken_apart(proof)[1]
    assert base64.urlsafe_b64decode(claims["ath"] + "=") == hashlib.sha256(b"t").digest()
    assert claims["nonce"] == "n"


def test_every_proof_has_an_identifier_of_its_own() -> None:
    """DP-2: the server refuses one that it saw before."""
    assert len({make_jti() for _ in range(50)}) == 50
    assert len(make_jti()) == 22


def test_a_stored_key_is_the_same_key() -> None:
    """DP-1: a refresh months later needs the key that the tokens are bound to."""
    loaded = load_dpop_key(KEY.private_jwk)
    assert loaded == KEY
    assert loaded.thumbprint == ECKey.import_key(dict(KEY.public_jwk)).thumbprint()


def test_each_grant_gets_a_key_of_its_own() -> None:
    """DP-1: one key for all would let servers recognise the user."""
    assert make_dpop_key().thumbprint != KEY.thumbprint


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "{}",
        "null",
        "[1]",
        '{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ","d":"AQ"}',
        json.dumps(dict(KEY.public_jwk)),
        json.dumps(ECKey.generate_key("P-384").as_dict(private=True)),
        json.dumps(RSAKey.generate_key(2048).as_dict(private=True)),
        json.dumps(OctKey.generate_key(256).as_dict(private=True)),
    ],
    ids=["empty", "no members", "null", "list", "no point", "public", "P-384", "RSA", "shared secret"],
)
def test_a_stored_text_that_is_no_such_key_is_refused(stored: str) -> None:
    """DP-1: a public key, another curve or a shared secret cannot sign a proof."""
    with pytest.raises(BadDpopKey) as refused:
        load_dpop_key(Secret(stored))
    assert stored not in str(refused.value) or not stored


@pytest.mark.parametrize(
    ("algorithms", "severity"),
    [
        (None, Severity.WARNING),
        ((), Severity.FAILURE),
        (("RS256",), Severity.FAILURE),
        (("RS256", "ES256"), Severity.PASS),
    ],
)
def test_proofs_are_es256(algorithms: tuple[str, ...] | None, severity: Severity) -> None:
    """DP-1: of `dpop_signing_alg_values_supported`."""
    assert algorithm_check("server.dpop", algorithms, "server", "RFC 9449 §5.1").severity is severity


def test_a_nonce_is_for_the_server_that_sent_it() -> None:
    """DP-4."""
    nonces = DpopNonces().with_response(TOKEN, answer(200, ("DPoP-Nonce", "as-1")))
    assert nonces.get(to("https://as.example/other")) == "as-1"
    assert nonces.get(to("https://r.example/")) is None
    assert nonces.get(to("https://as.example:8443/token")) is None


def test_on_one_origin_the_resource_has_a_nonce_of_its_own() -> None:
    """DP-4: RFC 9449 §8 is about the authorization server, §9 about the resource server."""
    at_resource = to("https://as.example/mcp", ("Authorization", "DPoP t"))
    nonces = DpopNonces().with_response(TOKEN, answer(200, ("DPoP-Nonce", "as-1")))
    assert nonces.get(at_resource) is None
    nonces = nonces.with_response(at_resource, answer(200, ("DPoP-Nonce", "rs-1")))
    assert (nonces.get(TOKEN), nonces.get(at_resource)) == ("as-1", "rs-1")


def test_the_newest_nonce_counts_and_no_nonce_changes_nothing() -> None:
    """DP-4: a successful response may bring one as well."""
    nonces = DpopNonces().with_response(TOKEN, answer(200, ("DPoP-Nonce", "one")))
    nonces = nonces.with_response(TOKEN, answer(200))
    assert nonces.get(TOKEN) == "one"
    assert nonces.with_response(TOKEN, answer(401, ("DPoP-Nonce", "two"))).get(TOKEN) == "two"


@pytest.mark.parametrize("bad", ["", "a b", 'a"b', "a\\b", "é", "\x1b", "n" * 2_000])
def test_a_malformed_nonce_is_ignored(bad: str) -> None:
    """DP-4: 1*NQCHAR; it goes into a signed claim and back to the server."""
    assert DpopNonces().with_response(TOKEN, answer(400, ("DPoP-Nonce", bad))).get(TOKEN) is None


def test_two_nonces_in_one_response_are_ignored() -> None:
    """DP-4."""
    response = answer(400, ("DPoP-Nonce", "a"), ("DPoP-Nonce", "b"))
    assert DpopNonces().with_response(TOKEN, response).get(TOKEN) is None


def test_the_number_of_servers_is_bounded() -> None:
    """DP-4."""
    nonces = DpopNonces()
    for number in range(40):
        nonces = nonces.with_response(to(f"https://h{number}.example/"), answer(200, ("DPoP-Nonce", "n")))
    assert len(nonces.by_key) == 16
    assert nonces.get(to("https://h39.example/")) == "n"


NONCE = ("DPoP-Nonce", "n")
ASKS = ("WWW-Authenticate", 'DPoP error="use_dpop_nonce"')


@pytest.mark.parametrize(
    ("response", "wants"),
    [
        (answer(400, NONCE, body=b'{"error":"use_dpop_nonce"}'), True),
        (answer(401, NONCE, body=b'{"error":"use_dpop_nonce"}'), True),
        (answer(401, NONCE, ASKS), True),
        (answer(400, body=b'{"error":"use_dpop_nonce"}'), False),
        (answer(401, ASKS), False),
        (answer(401, NONCE, ("WWW-Authenticate", 'DPoP error="invalid_token"')), False),
        (answer(401, NONCE, ("WWW-Authenticate", 'Bearer error="use_dpop_nonce"')), False),
        (answer(400, NONCE, body=b'{"error":"invalid_grant"}'), False),
        (answer(200, NONCE), False),
    ],
)
def test_only_a_refusal_that_brings_a_nonce_is_tried_again(response: Response, wants: bool) -> None:
    """DP-5: at the token endpoint in the body, at the resource in the challenge."""
    assert wants_nonce(response) is wants


def test_a_token_request_carries_one_proof_and_keeps_its_fields() -> None:
    """DP-2, DP-4."""
    nonces = DpopNonces({TOKEN_URL.origin: "n"})
    request = Request("POST", TOKEN_URL.text, Headers.of([("Accept", "a"), ("dpop", "old")]), Body(b"x"))
    sent = with_proof(request, KEY, nonces, now=NOW, jti="one")
    assert [name for name, _ in sent.headers.fields] == ["Accept", "DPoP"]
    assert sent.body == request.body
    assert sent_proof(sent)["nonce"] == "n"


def test_a_request_with_a_bound_token_is_signed_for_that_token() -> None:
    """DP-3."""
    field = authorization_field("dpop", Secret("t"))
    sent = with_proof(
        Request("GET", "https://r.example/a?b", Headers.of([field])), KEY, DpopNonces(), now=NOW, jti="one"
    )
    assert sent.headers.get_all("authorization") == ("DPoP t",)
    assert sent_proof(sent)["htu"] == "https://r.example/a"
    assert base64.urlsafe_b64decode(sent_proof(sent)["ath"] + "=") == hashlib.sha256(b"t").digest()


@pytest.mark.parametrize(
    ("token_type", "sent"), [("Bearer", "Bearer t"), ("DPoP", "DPoP t"), ("dpop", "DPoP t")]
)
def test_a_token_is_sent_under_the_scheme_of_its_type(token_type: str, sent: str) -> None:
    """DP-3: a bound token that is sent as bearer is refused, or accepted without its proof."""
    assert authorization_field(token_type, Secret("t")) == ("Authorization", sent)


@pytest.mark.parametrize("token", ["", "a\r\nX: y", "a b", "é"])
def test_a_token_that_a_header_cannot_carry_is_not_sent(token: str) -> None:
    """DP-3, GEN-8."""
    with pytest.raises(ValueError, match=r"header field"):
        authorization_field("DPoP", Secret(token))
