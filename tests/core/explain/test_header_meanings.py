"""The meaningful header fields are taken apart, with a sentence and a source; any text is survived."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.explain.meanings import HeaderContext, HeaderMeaning, explain_header
from support.made_checks import present

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = [
    *("WWW-Authenticate", "Location", "Cache-Control", "CF-Ray", "cf-access-aud", "cf-access-domain"),
    *("cf-mitigated", "Retry-After", "Date", "Set-Cookie", "Content-Type", "Authorization", "Cookie"),
]


def explained(name: str, value: str, *, gives_tokens: bool = False) -> HeaderMeaning:
    """Return the meaning of a field that has one."""
    return present(explain_header(name, value, HeaderContext(NOW, gives_tokens=gives_tokens)))


def parts(meaning: HeaderMeaning) -> list[tuple[str, str]]:
    """Return names and values of the parts."""
    return [(part.name, part.value) for part in meaning.parts]


@given(st.sampled_from(NAMES), st.text(max_size=200))
def test_any_value_never_raises(name: str, value: str) -> None:
    """A server may send anything in any field."""
    explain_header(name, value, HeaderContext(NOW, gives_tokens=True))


def test_a_challenge_is_taken_apart() -> None:
    """Scheme and parameters, in order, with commas inside quotes left alone (RFC 9110 §11.6.1)."""
    found = explained("www-authenticate", 'Bearer realm="a, b", error="invalid_token", Basic realm="x"')
    assert parts(found) == [
        ("scheme", "Bearer"),
        ("realm", "a, b"),
        ("error", "invalid_token"),
        ("scheme", "Basic"),
        ("realm", "x"),
    ]
    assert [part for part in found.parts if part.meaning is None] == []


def test_a_broken_challenge_says_what_is_wrong() -> None:
    """Nothing is guessed of a line that breaks the grammar."""
    assert "without an end" in explained("WWW-Authenticate", 'Bearer realm="x').problem


def test_the_redirect_of_access_is_taken_apart() -> None:
    value = (
        "https://t.cloudflareaccess.com/cdn-cgi/access/login/h?kid=a1&meta=ey.x.y&redirect_url=%2Fwiki%3Fp"
    )
    found = explained("Location", value)
    assert parts(found) == [
        ("host", "t.cloudflareaccess.com"),
        ("path", "/cdn-cgi/access/login/h"),
        ("kid", "a1"),
        ("meta", "ey.x.y"),
        ("redirect_url", "/wiki?p"),
    ]
    assert "login page of Access" in present(found.meaning).sentence


@pytest.mark.parametrize("value", ["https://[", "/?" + "a=b&" * 100])
def test_a_location_that_cannot_be_taken_apart_says_so(value: str) -> None:
    """Neither what is no URL nor an endless one costs more than a sentence."""
    found = explained("Location", value)
    assert "cannot be parsed" in found.problem
    assert found.parts == ()


def test_a_token_answer_must_not_be_kept() -> None:
    """RFC 6749 §5.1: Cache-Control has to say no-store."""
    assert explained("cache-control", "No-Store", gives_tokens=True).problem == ""
    assert "no-store is missing" in explained("cache-control", "max-age=60", gives_tokens=True).problem
    assert explained("cache-control", "max-age=60").problem == ""


def test_the_data_centre_stands_in_the_ray() -> None:
    """Cloudflare appends the code of an airport."""
    assert parts(explained("CF-Ray", "8f2a-FRA")) == [("data centre", "FRA")]


@pytest.mark.parametrize(
    ("offset", "words", "is_problem"),
    [(0, "agrees", False), (-30, "30 s behind", False), (300, "300 s ahead", True)],
)
def test_the_clock_of_the_server_is_compared(offset: int, words: str, is_problem: bool) -> None:
    """RFC 9110 §6.6.1: a skewed clock makes the times of tokens wrong."""
    found = explained("Date", format_datetime(NOW + timedelta(seconds=offset), usegmt=True))
    assert words in present(found.meaning).sentence
    assert bool(found.problem) is is_problem


@pytest.mark.parametrize("date", ["{:%a, %d %b %Y %H:%M:%S} -0000", "{:%a %b %d %H:%M:%S %Y}"])
def test_a_date_that_does_not_name_its_zone_is_in_utc(date: str) -> None:
    """RFC 9110 §5.6.7: the obsolete form of asctime, and what `formatdate` of Python makes."""
    meaning = present(explained("Date", date.format(NOW + timedelta(seconds=300))).meaning)
    assert "300 s ahead" in meaning.sentence


def test_retry_after_is_a_number_of_seconds() -> None:
    """RFC 9110 §10.2.3: seconds or a date."""
    for value in ("90", format_datetime(NOW + timedelta(seconds=90), usegmt=True)):
        meaning = present(explained("Retry-After", value).meaning)
        assert "90 s" in meaning.sentence


def test_a_cookie_is_a_secret_with_attributes() -> None:
    found = explained("Set-Cookie", "CF_Authorization=ey.a.b; Path=/; Secure; HttpOnly; SameSite=none")
    assert parts(found) == [("CF_Authorization", "ey.a.b"), ("Path", "/")]
    assert found.parts[0].secret
    assert present(found.meaning).sentence.startswith("Sent over TLS only, hidden from scripts")


def test_credentials_are_marked_as_secret() -> None:
    assert [p.secret for p in explained("Authorization", "Bearer abc").parts] == [False, True]
    assert [p.secret for p in explained("Cookie", "a=1; b=2").parts] == [True, True]
    assert "abc" not in repr(explained("Authorization", "Bearer abc"))


def test_an_ordinary_field_is_left_alone() -> None:
    """Explanations stand only where they help."""
    assert explain_header("Content-Length", "5", HeaderContext()) is None
