"""PKCE and state (PK-1 to PK-8, AZ-3)."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from itertools import count

import pytest

from authlens_core.oauth.authorization import authorization_url, url_parameters
from authlens_core.oauth.pkce import code_challenge, make_pkce, make_state
from authlens_core.values.secret import Secret

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def _counting() -> Callable[[int], bytes]:
    numbers = count()
    return lambda size: hashlib.sha256(str(next(numbers)).encode()).digest()[:size]


def test_the_challenge_is_that_of_the_specification() -> None:
    """PK-2: RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_verifier_comes_from_32_octets() -> None:
    """PK-1: 43 unreserved characters, without padding."""
    asked: list[int] = []

    def random_bytes(size: int) -> bytes:
        asked.append(size)
        return b"\x01" * size

    pkce = make_pkce(random_bytes)
    assert asked[0] == 32
    assert pkce.code_verifier.reveal() == urlsafe_b64encode(b"\x01" * 32).decode().rstrip("=")


def test_ten_thousand_draws_all_begin_with_a_letter_or_digit() -> None:
    """PK-1, PK-2, PK-4, PK-7: alphabet, length, uniqueness, first character."""
    draws = [make_pkce() for _ in range(10_000)]
    verifiers = {p.code_verifier.reveal() for p in draws}
    assert len(verifiers) == 10_000
    assert all(len(v) == 43 and UNRESERVED.issuperset(v) for v in verifiers)
    assert draws
    assert all(p.code_challenge[0].isalnum() and len(p.code_challenge) == 43 for p in draws)
    assert draws
    assert all(code_challenge(p.code_verifier.reveal()) == p.code_challenge for p in draws)


def test_a_bad_first_character_draws_the_whole_verifier_again() -> None:
    """PK-7: and the number of draws is told."""
    random_bytes = _counting()
    drawn = [make_pkce(random_bytes) for _ in range(300)]
    again = [p for p in drawn if p.draws > 1]
    assert again
    source = _counting()
    used = [
        code_challenge(urlsafe_b64encode(source(32)).decode().rstrip("="))
        for _ in range(sum(p.draws for p in drawn))
    ]
    assert [p.code_challenge for p in drawn] == [c for c in used if c[0] not in "-_"]


def test_a_broken_generator_is_an_error_and_no_endless_loop() -> None:
    """PK-7: the loop is bounded."""
    source = _counting()
    bad = next(b for b in iter(lambda: source(32), b"") if _first(b) in "-_")
    calls = count()

    def stuck(_size: int) -> bytes:
        next(calls)
        return bad

    with pytest.raises(RuntimeError, match="random generator"):
        make_pkce(stuck)
    assert next(calls) == 100


def _first(octets: bytes) -> str:
    return code_challenge(urlsafe_b64encode(octets).decode().rstrip("="))[0]


def test_only_s256_exists() -> None:
    """PK-3: there is no way to ask for `plain`."""
    challenge = code_challenge("a" * 43)
    link = authorization_url(
        "https://as.example/authorize",
        client_id="client",
        redirect_uri="http://localhost:8400/callback",
        state=Secret("state"),
        code_challenge=challenge,
        resource=None,
        scope=None,
    )
    assert challenge != "a" * 43
    assert dict(url_parameters(link))["code_challenge_method"] == "S256"


def test_the_verifier_is_a_secret() -> None:
    """PK-5: it shows in no repr."""
    pkce = make_pkce()
    assert pkce.code_verifier.reveal() not in f"{pkce!r} {pkce}"


def test_state_has_256_bits_and_is_a_secret() -> None:
    """AZ-3: more than the 128 bits that are asked for."""
    states = {make_state().reveal() for _ in range(1_000)}
    assert len(states) == 1_000
    assert all(len(s) == 43 and UNRESERVED.issuperset(s) for s in states)
    state = make_state()
    assert state.reveal() not in repr(state)


def test_state_is_never_the_verifier() -> None:
    """PK-6: they are drawn one after the other from one source and share nothing."""
    random_bytes = _counting()
    pkce, state = make_pkce(random_bytes), make_state(random_bytes)
    assert state.reveal() not in {pkce.code_verifier.reveal(), pkce.code_challenge}


def test_every_attempt_is_drawn_afresh() -> None:
    """PK-4, PK-8: nothing is kept between attempts."""
    assert make_pkce() != make_pkce()
    assert make_state() != make_state()
