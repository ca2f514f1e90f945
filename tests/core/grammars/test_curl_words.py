"""The words of a curl command line are read as curl reads them, or refused."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import UsageError

URL = "https://wiki.example.com/app"


def curl_words(*typed: str) -> list[str]:
    """Return the words that curl gets for those that were typed."""
    return list(read_request(typed, URL).arguments)


@pytest.mark.parametrize(
    ("typed", "passed"),
    [
        ([], []),
        (["-sS"], ["-s", "-S"]),
        (["-fsS", "-o", "out.json"], ["-f", "-s", "-S", "-o", "out.json"]),
        (["-sSL"], ["-s", "-S"]),
        (["-fsSL", "--location"], ["-f", "-s", "-S"]),
        (["-XPOST", "-d", "x=y"], ["-X", "POST", "-d", "x=y"]),
        (["-so", "file"], ["-s", "-o", "file"]),
        (["-fsSLo", "-sS"], ["-f", "-s", "-S", "-o", "-sS"]),
        (["-sSI"], ["-s", "-S", "-I"]),
        (["-X", "POST", "-d", "a=b"], ["-X", "POST", "-d", "a=b"]),
        (["-o", "-"], ["-o", "-"]),
        (["-o", "-s"], ["-o", "-s"]),
        (["--output", "--silent"], ["--output", "--silent"]),
        (["-d", "--"], ["-d", "--"]),
        (["-d", ""], ["-d", ""]),
        (["-w", "%{http_code}"], ["-w", "%{http_code}"]),
        (["--no-buffer", "-N"], ["--no-buffer", "-N"]),
        (["-#", "-4"], ["-#", "-4"]),
        (["-H", "https://evil.test/: x"], ["-H", "https://evil.test/: x"]),
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
        ["-é"],
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


@pytest.mark.parametrize(
    "word", ["-sk", "-s-", "-gN4", "-dx=y", "-ofile", "-sofile", "-o-s", "-sxhttp://evil.test:3128"]
)
def test_letters_that_are_no_common_group_are_refused_with_how_to_write_them(word: str) -> None:
    with pytest.raises(UsageError, match="with these letters behind it") as refused:
        curl_words(word)
    assert "a word of its own" in str(refused.value.cure)


@pytest.mark.parametrize("typed", [["-o"], ["-sS", "-o"], ["--output"], ["-s", "-H"]])
def test_an_option_without_its_value_takes_none_of_ours(typed: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        curl_words(*typed)
