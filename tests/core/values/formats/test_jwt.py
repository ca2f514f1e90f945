"""A JWT is read strictly, never believed, and garbage never raises."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.values.formats.jwt import parse_jwt
from authlens_core.values.secret import Secret
from support.made_checks import present

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def part(data: bytes | object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: bytes | object, header: object = None, signature: bytes = b"signature") -> str:
    """Return a token; its signature is no signature."""
    return f"{part(header or {'alg': 'RS256', 'kid': 'k1'})}.{part(claims)}.{part(signature)}"


@given(st.text(max_size=300))
def test_any_text_is_none_or_a_token(text: str) -> None:
    """Garbage never raises."""
    assert parse_jwt(text) is None or text.startswith(("ey", "ew"))


@given(st.lists(st.binary(max_size=80), min_size=2, max_size=5))
def test_any_bytes_in_the_parts_never_raise(parts: list[bytes]) -> None:
    """Whatever the parts hold, claims that cannot be read come with a reason."""
    found = parse_jwt(".".join([part({"alg": "RS256"}), *map(part, parts)]))
    assert found is None or found.claims is not None or found.problems


@given(
    st.dictionaries(
        st.sampled_from(["exp", "iat", "nbf", "auth_time", "aud", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_claims_can_be_viewed(claims: dict[str, object]) -> None:
    """Times beyond any calendar, and claims of the wrong type, are shown as they are."""
    found = present(parse_jwt(token(claims)))
    if found.claims is not None:
        assert [view.name for view in found.claims_at(NOW)] == list(claims)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        (b'{"a":1,"a":2}', "duplicate key"),
        (b"[" * 5_000 + b"]" * 5_000, "more than 64 levels"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "more than 64 levels"),
        (b'{"exp":' + b"9" * 5_000 + b"}", "40 digits"),
        (b'{"sub":"\xff"}', "not UTF-8"),
        (b"[]", "not an object"),
        (b'{"exp":NaN}', "NaN"),
    ],
)
def test_hostile_claims_are_refused_with_the_reason(claims: bytes, reason: str) -> None:
    """Duplicate members, deep nesting, huge numbers and bad UTF-8 have no meaning to show."""
    found = present(parse_jwt(token(claims)))
    assert found.claims is None
    assert reason in found.problems[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "eyJ",
        "a.b.c",
        "oauth:abcdefgh",
        f"{token({})}.x",
        f"{token({})}=",
        token({}).replace(".", "..", 1),
        f"{part(['alg'])}.{part({})}.",
        f"{part({'typ': 'JWT'})}.{part({})}.",
        token({"a": "x" * 70_000}),
    ],
)
def test_what_has_another_shape_is_no_jwt(text: str) -> None:
    """Three parts of base64url, the first an object with alg, at most 65,536 characters."""
    assert parse_jwt(text) is None


def test_left_over_bits_are_refused() -> None:
    """Two texts must not mean the same token (RFC 7515 §2)."""
    head, claims, _ = token({}).split(".")
    assert parse_jwt(f"{head}.{claims}.QQ") is not None
    assert parse_jwt(f"{head}.{claims}.QR") is None


def test_times_are_moments_and_countdowns() -> None:
    """Exp and its kind are dates, and seconds from the moment that is asked about."""
    ends = NOW + timedelta(minutes=14)
    found = parse_jwt(Secret(token({"exp": ends.timestamp(), "aud": ["a", "b"], "email": "ada@example.com"})))
    assert found is not None
    exp, aud, email = found.claims_at(NOW)
    assert (exp.time, exp.seconds) == (ends, 840)
    assert (aud.text, email.text) == ('["a", "b"]', "ada@example.com")
    assert [(one.name, one.text) for one in found.header_members] == [("alg", "RS256"), ("kid", "k1")]


@pytest.mark.parametrize("name", ["none", "None", "NONE"])
def test_an_unsigned_token_is_known_as_one(name: str) -> None:
    """`alg: none` is pointed out in any case (RFC 8725 §2.1), and so is an empty signature."""
    found = parse_jwt(token({}, {"alg": name}))
    empty = parse_jwt(token({}, {"alg": "RS256"}, b""))
    assert present(found).is_unsigned
    assert present(empty).is_unsigned


def test_an_encrypted_token_says_so() -> None:
    """Five parts are a JWE; its header can be read, its claims cannot."""
    found = present(parse_jwt(f"{part({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d"))
    assert found.claims is None
    assert "encrypted" in found.problems[0]


def test_repr_shows_no_claim() -> None:
    """A Jwt in a traceback tells nothing of the person."""
    found = present(parse_jwt(token({"email": "ada@example.com"})))
    assert "ada" not in repr(found)
    assert "ada" not in repr(found.claims_at(NOW))
