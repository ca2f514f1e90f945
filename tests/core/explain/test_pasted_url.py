"""The URL of a pasted request."""

import pytest

from authlens_core.explain.pasted_url import url_in
from authlens_core.values.url import with_scheme

URL = "https://wiki.example.com/mcp"


@pytest.mark.parametrize(
    "pasted",
    [
        f"curl {URL}",
        f"curl -X POST -H 'Referer: https://other.example' '{URL}' --data '{{}}'",
        f"curl -e https://other.example \\\n  {URL}",
        f"curl -s --url {URL}",
    ],
)
def test_the_url_of_a_pasted_request_is_found(pasted: str) -> None:
    """As a browser copies it, and as a manual prints it."""
    assert url_in(pasted) == URL


@pytest.mark.parametrize("pasted", ["", URL, "curl", "curl 'open", "{"])
def test_anything_else_is_no_request(pasted: str) -> None:
    """Then it is taken as it was typed."""
    assert url_in(pasted) is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wiki.example.com", "https://wiki.example.com"),
        ("wiki.example.com/mcp", URL),
        (URL, URL),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80/"),
        ("127.0.0.1:9000/mcp", "http://127.0.0.1:9000/mcp"),
        ("localhost:9000", "http://localhost:9000"),
        ("[::1]:9000/", "http://[::1]:9000/"),
        ("localhost.example.com:9000", "https://localhost.example.com:9000"),
        ("lgoin", "lgoin"),
        ("ada@example.com", "ada@example.com"),
    ],
)
def test_a_host_name_means_https_and_http_on_this_machine(typed: str, meant: str) -> None:
    """A word without a dot is no host."""
    assert with_scheme(typed) == meant
