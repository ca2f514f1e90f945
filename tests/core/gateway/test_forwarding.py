"""The rules of the proxy: which answers are about our token, and what an address is called here."""

from __future__ import annotations

import pytest

from authlens_core.credentials.lifecycle.request_credential import asks_for_a_token
from authlens_core.gateway.forwarding import Mapping
from authlens_core.values.errors import AuthlensError
from authlens_core.values.url import parse_url

MAPPING = Mapping(parse_url("https://app.example/"), "http://127.0.0.1:8080", "/s3cret")


@pytest.mark.parametrize(
    ("lines", "asks"),
    [
        ([], True),
        (["Bearer"], True),
        (['DPoP error="use_dpop_nonce"'], True),
        (["Cloudflare-Access"], True),
        (['Basic realm="app"'], False),
        (['Basic realm="app", Bearer error="invalid_token"'], True),
        (['Basic realm="app"', "Bearer"], True),
        ([""], True),
        ([" , "], True),
    ],
)
def test_a_401_is_about_the_token_unless_all_its_challenges_are_of_another_kind(
    lines: list[str], *, asks: bool
) -> None:
    """An empty field, or one line with several challenges, is allowed (RFC 9110 §11.6.1)."""
    fields = [(b"WWW-Authenticate", line.encode()) for line in lines]
    assert asks_for_a_token(401, fields) is asks


def test_another_status_is_not_about_the_token() -> None:
    assert not asks_for_a_token(403, [(b"WWW-Authenticate", b"Bearer")])


@pytest.mark.parametrize(
    ("location", "here"),
    [
        ("/next?x=1", "http://127.0.0.1:8080/s3cret/next?x=1"),
        ("https://app.example/next#part", "http://127.0.0.1:8080/s3cret/next#part"),
        ("//app.example/next", "http://127.0.0.1:8080/s3cret/next"),
        ("next", "next"),
        ("../next", "../next"),
        ("?page=2", "?page=2"),
        ("#part", "#part"),
        ("", ""),
    ],
)
def test_a_relative_location_stays_relative_to_the_request(location: str, here: str) -> None:
    """RFC 9110 §10.2.2: the client resolves it against the address that it asked, which is here."""
    assert MAPPING.to_local(location) == here


@pytest.mark.parametrize(
    "location", ["https://other.example/", "//other.example/", "\\\\other.example/", "javascript:x"]
)
def test_a_location_elsewhere_is_not_followed(location: str) -> None:
    with pytest.raises(AuthlensError):
        MAPPING.to_local(location)
