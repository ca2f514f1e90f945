"""What the name of a token file of cloudflared can mean: every reading, and when there is one only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.cloudflare.cloudflared_token import (
    can_only_mean,
    login_address,
    names_of,
    readings,
    sure_address,
)
from authlens_core.values.url import parse_url


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wiki.example.com", [["https://wiki.example.com/"]]),
        ("a-b.example.com", [["https://a-b.example.com/"]]),
        ("a.xn--p1ai", [["https://a.xn--p1ai/"]]),
        ("wiki.example.com-admin", [["https://wiki.example.com/admin"]]),
        (
            "wiki.example.com-admin-x",
            [["https://wiki.example.com/admin/x", "https://wiki.example.com/admin-x"]],
        ),
        ("wiki.example.com-admin--", [["https://wiki.example.com/admin"]]),
        (
            "wiki.example.com-x.evil.test",
            [["https://wiki.example.com/x.evil.test"], ["https://wiki.example.com-x.evil.test/"]],
        ),
        (
            "my.app-x.example.com",
            [["https://my.app/x.example.com"], ["https://my.app-x.example.com/"]],
        ),
        ("127.0.0.1:8123", [["http://127.0.0.1:8123/"]]),
        ("wiki.example.com:8123", []),
        ("*.example.com", []),
        ("strange", []),
        ("a\\eb.example.com", []),
    ],
)
def test_every_reading_of_a_name_is_an_address(name: str, expected: list[list[str]]) -> None:
    """A slash is a hyphen there; a top-level domain has none, so most names have one host only."""
    assert [list(urls) for urls in readings(name)] == expected


@pytest.mark.parametrize(
    ("name", "host", "surely"),
    [
        ("wiki.example.com", "wiki.example.com", True),
        ("a-b.example.com", "a-b.example.com", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1:8123", "127.0.0.1:8123", True),
        ("wiki.example.com-admin", "wiki.example.com", False),
        ("wiki.example.com-admin", "wiki.example.com-admin", False),
        ("my.app-x.example.com", "my.app-x.example.com", False),
        ("my.app-x.example.com", "my.app", False),
        ("*.example.com", "a.example.com", False),
    ],
)
def test_a_host_is_sure_only_where_no_other_is_possible(name: str, host: str, surely: bool) -> None:
    """TK-10: everything else is asked before a token goes there."""
    assert can_only_mean(name, parse_url(f"https://{host}/x")) is surely
    assert sure_address(name) in ((f"https://{name}/", f"http://{name}/") if surely else ("",))


@given(st.text("ab.-*x/:@%\\ \x1b", max_size=60))
def test_no_name_makes_a_reading_that_is_no_address_of_ours(name: str) -> None:
    found = readings(name)
    assert len(found) <= 4
    for url in (url for urls in found for url in urls):
        target = parse_url(url)
        assert "." in target.host
        assert name.startswith(target.host)
    assert all(len(urls) <= 8 for urls in found)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("wiki.example.com", "https://wiki.example.com/"),
        ("wiki.example.com-admin-x", "https://wiki.example.com/admin/x"),
        ("127.0.0.1:8123", "http://127.0.0.1:8123/"),
        ("my.app-x.example.com", ""),
        ("*.example.com", ""),
    ],
)
def test_a_login_begins_only_at_the_host_of_the_file(name: str, url: str) -> None:
    """What cloudflared sends there is worth more than a token, so no guess; any path of the host will do."""
    assert login_address(name) == url


@pytest.mark.parametrize("path", ["/x/..;/y", "/x/%252e%252e/y", "/x//y"])
def test_a_file_for_a_path_is_not_for_a_path_that_servers_read_in_different_ways(path: str) -> None:
    """H322: only a file for the whole host is."""
    assert "a.example.com" in names_of(parse_url(f"https://a.example.com{path}"))
    assert "a.example.com-x" not in names_of(parse_url(f"https://a.example.com{path}"))
