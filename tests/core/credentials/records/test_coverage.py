"""Which URLs a token may go to."""

from datetime import timedelta

import pytest

from authlens_core.credentials.records.accounts import login_for
from authlens_core.values.url import covers
from support.grants import make_grant


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://h", "https://h"),
        ("https://h", "https://h/"),
        ("https://h/", "https://h/a/b?c=d"),
        ("https://h/a", "https://h/a"),
        ("https://h/a/", "https://h/a"),
        ("https://h/a", "https://h/a/b"),
        ("https://h:443/a", "https://H/a"),
        ("http://localhost:8080/mcp", "http://localhost:8080/mcp"),
        ("https://h/a?tenant=1", "https://h/a/b"),
    ],
)
def test_covered(resource: str, url: str) -> None:
    """Same origin, and the path goes on at a segment boundary."""
    assert covers(resource, url)


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("https://h/a", "https://h/ab"),
        ("https://h/a", "https://h/"),
        ("https://h/a/b", "https://h/a"),
        ("https://h", "http://h"),
        ("https://h", "https://h:8443"),
        ("https://h", "https://h.evil"),
        ("https://h", "https://evil/https://h"),
        ("https://h/a", "https://h/a/../b"),
        ("https://h/a", "https://h/a/%2e%2e/b"),
        ("https://h/a", "https://h/a%2fb"),
        ("https://h/a", "https://h/a/..%5cb"),
        ("https://h", "https://h@evil/"),
        ("https://h", "https://h\\@evil/"),
        ("https://h", "https://h /"),
        ("http://h", "http://h"),
        ("nonsense", "nonsense"),
    ],
)
def test_not_covered(resource: str, url: str) -> None:
    """TK-10, H121: another origin, another path, or a URL that two readers read differently."""
    assert not covers(resource, url)


def test_the_closest_grant_wins() -> None:
    """H185: same host, several resources."""
    wide = make_grant(grant_id="wide", resource="https://h", resource_url="https://h")
    near = make_grant(grant_id="near", resource="https://h/a", resource_url="https://h/a")
    other = make_grant(grant_id="other", resource="https://other", resource_url="https://other")
    assert login_for([wide, near, other], "https://h/a/x", None, {}) == near
    assert login_for([near, wide, other], "https://h/b", None, {}) == wide
    assert login_for([near, wide], "https://elsewhere/a", None, {}) is None


def test_of_equally_close_grants_the_first_wins() -> None:
    """The list is newest first, so a new login replaces an old client's."""
    grants = [make_grant(grant_id=name) for name in ("new", "old")]
    assert login_for(grants, "https://wiki.example/mcp/x", None, {}) == grants[0]


def test_a_grant_without_metadata_covers_what_was_typed() -> None:
    """Where the metadata names no resource, the typed URL is the bound."""
    grant = make_grant(resource=None, expires_at=make_grant().refreshed_at + timedelta(1))
    assert login_for([grant], "https://wiki.example/mcp/x", None, {}) == grant
    assert login_for([grant], "https://wiki.example/other", None, {}) is None
