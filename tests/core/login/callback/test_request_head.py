"""The rules of a request head, without a socket."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.login.callback.request_head import (
    Callback,
    ListenerLimits,
    Refusal,
    RequestHead,
    TunnelTest,
    Verdict,
)
from authlens_core.values.secret import Secret

GOOD = b"GET /callback?code=a&state=b HTTP/1.1\r\nHost: localhost:8400\r\n\r\n"


def verdict(request: bytes, port: int = 8400) -> Verdict | None:
    return RequestHead(port, ListenerLimits()).receive(request)


def get(*fields: str, target: str = "/callback?code=a", host: str = "localhost:8400") -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode("latin-1")


@pytest.mark.parametrize("host", ["localhost:8400", "127.0.0.1:8400", "[::1]:8400"])
def test_each_loopback_name_is_accepted(host: str) -> None:
    """LB-7: the three names that a browser may have for us."""
    assert verdict(get(host=host)) == Callback(Secret("code=a"))


def test_a_browser_s_own_fields_are_accepted() -> None:
    """LB-7: what a real navigation carries, including a body that it says it has."""
    fields = (
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Dest: document",
        "Cookie: a=b",
    )
    assert isinstance(verdict(get(*fields)), Callback)


def test_the_query_is_a_secret_and_not_decoded() -> None:
    """Every byte that may be a code is in its box before anybody else sees it."""
    found = verdict(get(target="/callback?code=%41+b%00&code=2"))
    assert found == Callback(Secret("code=%41+b%00&code=2"))
    assert "code" not in repr(found).removeprefix("Callback")


def test_a_callback_without_query_goes_to_the_judge_too() -> None:
    """Whether an answer is complete is for OAuth to say."""
    assert verdict(get(target="/callback")) == Callback(Secret(""))


def test_the_default_port_may_be_left_out_of_the_host() -> None:
    """Browsers drop `:80`."""
    assert isinstance(verdict(get(host="localhost"), port=80), Callback)
    assert isinstance(verdict(get(host="localhost"), port=8400), Refusal)


def test_the_test_page_has_a_path_of_its_own() -> None:
    assert verdict(get(target="/test")) == TunnelTest()


@pytest.mark.parametrize(
    "target",
    [
        "/callback/",
        "//callback",
        "/Callback",
        "/callback;x",
        "/%63allback",
        "/x/../callback",
        "/callback%3Fcode=a",
        "/callback%00",
        "/callback?code=a#b",
        "http://localhost:8400/callback?code=a",
        "callback",
        "*",
    ],
)
def test_the_path_is_exact(target: str) -> None:
    """LB-7: no normalisation, no other form of the target."""
    found = verdict(get(target=target))
    assert isinstance(found, Refusal)
    assert found.status == 404


@pytest.mark.parametrize("target", ["/favicon.ico", "/favicon.ico?v=2", "/apple-touch-icon.png"])
def test_an_icon_is_refused_and_not_worth_telling(target: str) -> None:
    """A browser asks for it by itself beside every page; anything else is told."""
    found = verdict(get(target=target))
    assert isinstance(found, Refusal)
    assert not found.worth_telling
    other = verdict(get(target="/other"))
    assert isinstance(other, Refusal)
    assert other.worth_telling


@given(st.lists(st.integers(min_value=1, max_value=len(GOOD) - 1), max_size=8))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    """One byte at a time or all at once: the same verdict, and none before the head is whole."""
    head = RequestHead(8400, ListenerLimits())
    edges = [0, *sorted(set(cuts)), len(GOOD)]
    pieces = [GOOD[a:b] for a, b in pairwise(edges)]
    found = [head.receive(piece) for piece in pieces]
    assert found[:-1] == [None] * (len(pieces) - 1)
    assert found[-1] == Callback(Secret("code=a&state=b"))


@given(st.binary(max_size=400))
def test_no_bytes_raise_and_none_are_a_callback_by_chance(data: bytes) -> None:
    """Whatever comes: nothing yet, or a refusal with a client error."""
    found = verdict(data)
    if found is not None:
        assert isinstance(found, Refusal)
        assert 400 <= found.status < 600


@given(st.binary(max_size=40), st.integers(min_value=0, max_value=len(GOOD) - 4))
def test_bytes_put_into_a_good_request_never_raise(data: bytes, at: int) -> None:
    found = verdict(GOOD[:at] + data + GOOD[at:])
    assert found is None or isinstance(found, Callback | Refusal | TunnelTest)


@pytest.mark.parametrize(("size", "status"), [(16 * 1024 - 1, None), (16 * 1024, 414), (10**6, 414)])
def test_request_line_ends_at_its_limit(size: int, status: int | None) -> None:
    """LB-12, H087: the limit holds before the line is complete, too."""
    found = verdict((b"GET /callback?" + b"a" * size)[:size])
    assert (found.status if isinstance(found, Refusal) else found) == status


def test_a_long_code_fits() -> None:
    """LB-13: 8 KiB of code, percent-encoded parameters beside it."""
    assert isinstance(verdict(get(target=f"/callback?code={'a' * 8192}&state={'b' * 4096}")), Callback)


@pytest.mark.parametrize(
    "fields",
    [[f"X: {'a' * 16_400}"], [f"X{n}: y" for n in range(10_000)], ["X: " + "a" * 10**6]],
    ids=["one over", "ten thousand", "a million"],
)
def test_header_fields_end_at_their_limit(fields: list[str]) -> None:
    """LB-12, H087: together, however many there are."""
    found = verdict(get(*fields))
    assert isinstance(found, Refusal)
    assert found.status == 431


def test_header_fields_that_never_end_are_refused_at_the_limit() -> None:
    """H087: the verdict does not wait for the empty line."""
    head = RequestHead(8400, ListenerLimits())
    assert head.receive(b"GET /callback HTTP/1.1\r\n") is None
    found = None
    for _ in range(17):
        found = found or head.receive(b"X: " + b"a" * 1021)
    assert isinstance(found, Refusal)
    assert found.status == 431


def test_https_on_the_plain_port_is_told_apart() -> None:
    """A browser that insists on https sends a TLS handshake."""
    found = verdict(b"\x16\x03\x01\x02\x00\x01\x00")
    assert isinstance(found, Refusal)
    assert found.reason == "https instead of http"
