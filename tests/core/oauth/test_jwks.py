"""A signature counts only with a key that fits the token, and the token never chooses how it is checked."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authlens_core.oauth.jwks import Signature, jwks_request, verify
from authlens_core.values.formats.jwt import Jwt, parse_jwt
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url
from support.made_checks import present

# joserfc warns of the older name EdDSA, which is what tokens still carry.
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}
Key = RSAKey | ECKey | OKPKey


@cache
def made(kind: str, number: int = 0) -> Key:
    """Return the key number `number` of a kind."""
    parameters: Any = {"kid": f"{kind}-{number}", "use": "sig"}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters)
    if kind == "Ed25519":
        return OKPKey.generate_key("Ed25519", parameters)
    return ECKey.generate_key(kind, parameters)


def public(key: Key, **changes: object) -> dict[str, Any]:
    return {**key.as_dict(private=False), **changes}


def key_set(*keys: Mapping[str, object]) -> Body:
    return Body(json.dumps({"keys": keys}).encode())


def signed(algorithm: str, key: Key, claims: Mapping[str, object] | None = None, **header: object) -> Jwt:
    """Return a token that `key` signed; a header member that is None is left out."""
    words = {"alg": algorithm, "kid": key.kid, **header}
    text = jws.serialize_compact(
        {name: value for name, value in words.items() if value is not None},
        json.dumps(claims or {"sub": "ada"}),
        key,
        algorithms=[algorithm],
    )
    return present(parse_jwt(text))


@pytest.mark.parametrize("algorithm", KINDS)
def test_the_right_key_verifies(algorithm: str) -> None:
    """Each algorithm against another implementation of it."""
    key = made(KINDS[algorithm])
    found = verify(signed(algorithm, key), key_set(public(made(KINDS[algorithm], 1)), public(key)), NOW)
    assert (found.signature, found.key_id) == (Signature.VALID, key.kid)


@pytest.mark.parametrize("algorithm", KINDS)
def test_another_key_of_the_same_name_does_not(algorithm: str) -> None:
    """A kid proves nothing; the signature does."""
    key, other = made(KINDS[algorithm]), made(KINDS[algorithm], 1)
    found = verify(signed(algorithm, key), key_set(public(other, kid=key.kid)), NOW)
    assert found.signature is Signature.INVALID


@pytest.mark.parametrize("algorithm", KINDS)
def test_changed_claims_are_noticed(algorithm: str) -> None:
    """The signature covers header and claims."""
    key = made(KINDS[algorithm])
    jwt = signed(algorithm, key)
    forged = Jwt(jwt.header, {"sub": "eve"}, Body(jwt.signed.reveal() + b"A"), jwt.signature)
    assert verify(forged, key_set(public(key)), NOW).signature is Signature.INVALID


def test_without_a_kid_every_fitting_key_is_tried() -> None:
    """RFC 7515 §4.1.4: kid is optional."""
    key = made("RSA")
    found = verify(signed("RS256", key, kid=None), key_set(public(made("RSA", 1)), public(key)), NOW)
    assert found.signature is Signature.VALID


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"alg": "PS256"}, {"kid": "other"}, {"kty": "oct"}, {"key_ops": ["encrypt"]}],
)
def test_a_key_for_something_else_is_not_used(changes: dict[str, object]) -> None:
    """RFC 8725 §3.1: a key is for one algorithm, and for signatures."""
    key = made("RSA")
    found = verify(signed("RS256", key), key_set(public(key, **changes)), NOW)
    assert found.signature is Signature.NO_KEY


def test_the_public_key_is_never_a_shared_secret() -> None:
    """RFC 8725 §2.1: HS256 with the public key's text as its secret is the classic forgery."""
    key = made("RSA")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": key.kid}).encode()).rstrip(b"=")
    body = head + b"." + base64.urlsafe_b64encode(b'{"sub":"eve"}').rstrip(b"=")
    mac = hmac.digest(key.as_pem(private=False), body, hashlib.sha256)
    forged = present(parse_jwt((body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()))
    assert verify(forged, key_set(public(key)), NOW).signature is Signature.NOT_CHECKED


def test_a_key_that_the_token_brings_is_not_used() -> None:
    """RFC 8725 §3.10: jwk and jku are the sender's own word."""
    eve = made("RSA", 1)
    found = verify(signed("RS256", eve, jwk=public(eve), kid="x"), key_set(public(made("RSA"))), NOW)
    assert found.signature is Signature.NO_KEY


def test_alg_none_is_invalid() -> None:
    """An unsigned token is never passed over as merely unknown."""
    jwt = Jwt({"alg": "none"}, {}, Body(b"a.b"), Body())
    assert verify(jwt, key_set(public(made("RSA"))), NOW).signature is Signature.INVALID


def test_a_signed_token_that_has_ended_says_so() -> None:
    """RFC 7519 §4.1.4: a good signature does not make an old token good."""
    key = made("P-256")
    found = verify(signed("ES256", key, {"exp": NOW.timestamp() - 1}), key_set(public(key)), NOW)
    assert found.signature is Signature.VALID
    assert "expired" in found.notes[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n": "AQAB"}, "2,048"),
        ({"n": "!"}, "base64url"),
        ({"e": "A" * 400}, "2,048"),
        ({"e": 3}, "base64url"),
    ],
)
def test_a_weak_or_broken_key_is_said(changes: dict[str, object], words: str) -> None:
    """RFC 7518 §3.3: at least 2,048 bits; a huge exponent would only cost time."""
    key = made("RSA")
    found = verify(signed("RS256", key), key_set(public(key, **changes)), NOW)
    assert found.signature is Signature.NOT_CHECKED
    assert words in found.reason


def test_a_point_off_the_curve_is_refused() -> None:
    key = made("P-256")
    found = verify(signed("ES256", key), key_set(public(key, x="AQ")), NOW)
    assert found.signature is Signature.NOT_CHECKED


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_any_key_set_never_raises(data: bytes) -> None:
    """A server may answer anything."""
    found = verify(signed("ES256", made("P-256")), Body(data), NOW)
    assert found.signature in (Signature.NOT_CHECKED, Signature.NO_KEY)


@given(
    st.sampled_from(["RS256", "ES256", "EdDSA"]),
    st.dictionaries(
        st.sampled_from(["n", "e", "x", "y", "alg", "use", "kid", "key_ops"]),
        st.none() | st.text(max_size=20) | st.integers() | st.lists(st.text(max_size=3), max_size=2),
    ),
)
@settings(max_examples=100, deadline=None)
def test_any_member_of_a_key_never_raises(algorithm: str, changes: dict[str, object]) -> None:
    """Members of the wrong type or value make a key unusable, no more."""
    key = made(KINDS[algorithm])
    verify(signed(algorithm, key), key_set(public(key, **changes)), NOW)


def test_the_request_asks_for_a_key_set() -> None:
    """RFC 7517 §8.5: the media type of a set."""
    request = jwks_request(parse_url("https://team.cloudflareaccess.com/cdn-cgi/access/certs"))
    assert request.method == "GET"
    assert "jwk-set+json" in (request.headers.get("accept") or "")
