"""Cloudflare's names (CF-5, CF-8, CF-23)."""

import pytest

from authlens_core.cloudflare.team import LOGOUT, cloudflare_metadata_urls, for_team, is_team_host, refusal_on
from authlens_core.values.url import UrlRefused, parse_url


@pytest.mark.parametrize(
    "host",
    [
        "evilcloudflareaccess.com",
        "team.evilcloudflareaccess.com",
        "cloudflareaccess.com",
        "fed.cloudflareaccess.com",
        ".cloudflareaccess.com",
        "..cloudflareaccess.com",
        ".fed.cloudflareaccess.com",
        "team.cloudflareaccess.com.",
        "team.cloudflareaccess.com.evil.example",
        "cloudflareaccess.com.evil.example",
        "x.example#.cloudflareaccess.com",
        "x.example/y.cloudflareaccess.com",
        "evil.example\\.cloudflareaccess.com",
        "team.cloudflareaccess.com@evil.example",
        "team.cloudflareaccess.com:443",
        "team.cloudflareaccess.org",
        "team.cloudflareaccess",
        "",
        "localhost",
    ],
)
def test_a_lookalike_is_no_team_host(host: str) -> None:
    """CF-23: whole labels are compared."""
    assert not is_team_host(host)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("https://h", ["https://h/.well-known/cloudflare-access-protected-resource/"]),
        ("https://h/", ["https://h/.well-known/cloudflare-access-protected-resource/"]),
        (
            "https://h:8443/mcp?x=1",
            [
                "https://h:8443/.well-known/cloudflare-access-protected-resource/mcp",
                "https://h:8443/.well-known/cloudflare-access-protected-resource/",
            ],
        ),
        (
            "https://h/a/b/",
            [
                "https://h/.well-known/cloudflare-access-protected-resource/a/b/",
                "https://h/.well-known/cloudflare-access-protected-resource/",
            ],
        ),
    ],
)
def test_the_metadata_of_access_has_a_path_form_and_a_root_form(resource: str, expected: list[str]) -> None:
    """CF-5: with a trailing slash for the root, and in this order."""
    assert [url.text for url in cloudflare_metadata_urls(parse_url(resource))] == expected


def test_a_url_with_a_team_in_its_userinfo_is_no_url() -> None:
    """CF-23: the last of the lookalikes never becomes a host."""
    with pytest.raises(UrlRefused):
        parse_url("https://team.cloudflareaccess.com@evil.example/")


def test_advice_names_the_team_that_the_login_is_at() -> None:
    words = f"Open {LOGOUT}"
    assert for_team(words, "acme.cloudflareaccess.com").endswith(
        "https://acme.cloudflareaccess.com/cdn-cgi/access/logout"
    )
    assert for_team(words, "as.example") == words


@pytest.mark.parametrize(
    ("page", "meaning"),
    [
        ("That account does not have access", "No policy"),
        ("Unable to find your Access application!", "removed"),
        ("Invalid nonce. Please try logging in again.", "cookies"),
        ("Invalid state: missing or INVALID NONCE", "cookies"),
    ],
)
def test_a_page_is_known_by_its_words(page: str, meaning: str) -> None:
    """The three that users report, and a spelling of the last."""
    found = refusal_on(page)
    assert found is not None
    assert meaning in found.meaning
