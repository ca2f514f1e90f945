"""The words of a curl command line are read as curl reads them, or refused."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import UsageError

URL = "https://wiki.example.com/app"


def curl_words(*typed: str) -> list[str]:
    """Return the words that curl gets for those that were typed."""
    return list(read_request(typed, URL).words)


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        ([], []),
        (["-sS"], ["--silent", "--show-error"]),
        (["-fsS", "-o", "out.json"], ["--fail", "--silent", "--show-error", "--output", "out.json"]),
        (["-sSL"], ["--silent", "--show-error"]),
        (["-fsSL", "--location"], ["--fail", "--silent", "--show-error"]),
        (["-XPOST", "-dx=y"], ["--request", "POST", "--data", "x=y"]),
        (["-so", "file"], ["--silent", "--output", "file"]),
        (["-sofile"], ["--silent", "--output", "file"]),
        (["-o-s"], ["--output", "-s"]),
        (["-sSI"], ["--silent", "--show-error", "--head"]),
        (["-X", "POST", "-d", "a=b"], ["--request", "POST", "--data", "a=b"]),
        (["-o", "-"], ["--output", "-"]),
        (["-o", "-s"], ["--output", "-s"]),
        (["--output", "--silent"], ["--output", "--silent"]),
        (["-d", "--"], ["--data", "--"]),
        (["-d", ""], ["--data", ""]),
        (["-w", "%{http_code}"], ["--write-out", "%{http_code}"]),
        (["--no-buffer", "-N"], ["--no-buffer", "--no-buffer"]),
        (["-#", "-4"], ["--progress-bar", "--ipv4"]),
        (["-H", "https://evil.test/: x"], ["--header", "https://evil.test/: x"]),
    ],
)
def test_each_word_is_an_option_or_the_value_of_one(typed: list[str], passed: list[str]) -> None:
    assert curl_words(*typed) == passed


@pytest.mark.parametrize(
    "typed",
    [
        ["--location-trusted"],
        ["--no-location"],
        ["--loc"],
        ["--Silent"],
        ["--silent=x"],
        ["--request=POST"],
        ["--no-silent"],
        ["--new-in-9.0"],
        ["-s-"],
        ["-é"],
        ["-sk"],
        ["-sxhttp://evil.test:3128"],
        ["-D", "head.txt"],
        ["--expand-data", "{{x}}"],
        ["-K", "x"],
        ["--variable", "x=y"],
        ["--next"],
        ["-:"],
        ["--url", "https://evil.test/"],
        ["https://evil.test/"],
        ["-s", "evil.test"],
        ["-X", "POST", "evil.test"],
        ["--"],
        ["-"],
        [""],
        ["–s"],
        ["-x", "http://evil.test:3128"],
        ["--noproxy", "*"],
        ["--resolve", "a:443:10.0.0.1"],
        ["--connect-to", "::evil.test:"],
        ["--unix-socket", "/s"],
        ["--request-target", "/admin"],
        ["-k"],
        ["--cacert", "ca.pem"],
        ["--ciphers", "aNULL"],
        ["-v"],
        ["--trace", "-"],
        ["--libcurl", "x.c"],
        ["-u", "ada:secret"],
        ["-uada:secret"],
        ["--user=ada:secret"],
        ["-n"],
        ["--proto", "=http"],
        ["-V"],
    ],
)
def test_what_is_not_on_the_list_is_refused_with_a_way_on(typed: list[str]) -> None:
    """TK-10, H350, H351: curl gives header fields to every address that it is led to."""
    with pytest.raises(UsageError) as refused:
        curl_words(*typed)
    assert URL in str(refused.value.cure)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("typed", [["-o"], ["-sS", "-o"], ["--output"], ["-s", "-H"]])
def test_an_option_without_its_value_takes_none_of_ours(typed: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        curl_words(*typed)
