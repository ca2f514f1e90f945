"""The URLs of a command line: what is refused says what to write instead."""

import shlex

import pytest

from authlens_core.values.errors import UsageError
from authlens_tui.cli.option_values import checked_url


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("https://wiki.example.com/a[1-3]?q[]=1&r={a,b}", "a%5B1-3%5D?q%5B%5D=1&r=%7Ba,b%7D"),
        ("wiki.example.com/a b/ü", "a%20b/%C3%BC"),
        ("http://[::1]:1/", None),
    ],
)
def test_characters_that_a_url_may_not_have_are_given_percent_encoded(url: str, instead: str | None) -> None:
    if instead is None:
        assert checked_url(url) == url
        return
    with pytest.raises(UsageError) as refused:
        checked_url(url)
    said = str(refused.value.cure).removeprefix("Give it percent-encoded: ")
    (written,) = shlex.split(said)
    assert checked_url(written) == f"https://wiki.example.com/{instead}"


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example\\@evil.example/",
        "https://bücher.example/",
        "https://a.example/#b",
        "http://a.example/[",
        "https://a.example/\udcff",
        "",
    ],
)
def test_what_no_encoding_mends_is_not_rewritten(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_url(url)
    assert refused.value.cure == "Give the whole address, such as https://wiki.example.com/"
