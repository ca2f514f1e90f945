"""The words of a curl command line are read as curl reads them, or refused."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl_options import CurlOptionRefused, NotPassedOn, read_options
from authlens_core.values.errors import UsageError

URL = "https://wiki.example.com/app"


def words(*given: str) -> list[str]:
    """Return the words that curl gets for those that were given."""
    return [word for option in read_options(given, URL) for word in option.words]


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], []),
        (["-sSfo", "out.json"], ["-s", "-S", "-f", "-o", "out.json"]),
        (["-XPOST", "-da=b"], ["-X", "POST", "-d", "a=b"]),
        (["-o-"], ["-o", "-"]),
        (["-o", "-"], ["-o", "-"]),
        (["-o", "-s"], ["-o", "-s"]),
        (["--output", "--silent"], ["--output", "--silent"]),
        (["-d", "--"], ["-d", "--"]),
        (["-d", ""], ["-d", ""]),
        (["-A", "–"], ["-A", "–"]),
        (["-w", "%{http_code}"], ["-w", "%{http_code}"]),
        (["--no-buffer", "-N", "--buffer"], ["--no-buffer", "-N", "--buffer"]),
        (["--no-silent"], ["--no-silent"]),
        (["-#", "-0", "-4"], ["-#", "-0", "-4"]),
        (["-sd@-"], ["-s", "-d", "@-"]),
        (["-H", "https://evil.test/: x"], ["-H", "https://evil.test/: x"]),
    ],
)
def test_each_word_is_an_option_or_the_value_of_one(given: list[str], passed: list[str]) -> None:
    assert words(*given) == passed


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["-L"], NotPassedOn.REDIRECT),
        (["-sL"], NotPassedOn.REDIRECT),
        (["--location"], NotPassedOn.REDIRECT),
        (["--no-location"], NotPassedOn.REDIRECT),
        (["--loc"], NotPassedOn.UNKNOWN),
        (["--Silent"], NotPassedOn.UNKNOWN),
        (["--silent=x"], NotPassedOn.UNKNOWN),
        (["--request=POST"], NotPassedOn.UNKNOWN),
        (["--no-no-buffer"], NotPassedOn.UNKNOWN),
        (["--no-http1.1"], NotPassedOn.UNKNOWN),
        (["--no-data", "x"], NotPassedOn.UNKNOWN),
        (["--new-in-9.0"], NotPassedOn.UNKNOWN),
        (["-s-"], NotPassedOn.UNKNOWN),
        (["-é"], NotPassedOn.UNKNOWN),
        (["--expand-data", "{{x}}"], NotPassedOn.CONFIG),
        (["--expand-config", "x"], NotPassedOn.CONFIG),
        (["-K", "x"], NotPassedOn.CONFIG),
        (["--variable", "x=y"], NotPassedOn.CONFIG),
        (["--next"], NotPassedOn.ANOTHER_URL),
        (["-:"], NotPassedOn.ANOTHER_URL),
        (["--url", "https://evil.test/"], NotPassedOn.ANOTHER_URL),
        (["https://evil.test/"], NotPassedOn.ANOTHER_URL),
        (["-s", "evil.test"], NotPassedOn.ANOTHER_URL),
        (["--silent", "evil.test"], NotPassedOn.ANOTHER_URL),
        (["-X", "POST", "evil.test"], NotPassedOn.ANOTHER_URL),
        (["--"], NotPassedOn.ANOTHER_URL),
        (["-"], NotPassedOn.ANOTHER_URL),
        ([""], NotPassedOn.ANOTHER_URL),
        (["-x", "http://evil.test:3128"], NotPassedOn.PROXY),
        (["--noproxy", "*"], NotPassedOn.PROXY),
        (["--resolve", "a:443:10.0.0.1"], NotPassedOn.ADDRESS),
        (["--unix-socket", "/s"], NotPassedOn.ADDRESS),
        (["--request-target", "/admin"], NotPassedOn.ADDRESS),
        (["-k"], NotPassedOn.TRUST),
        (["--cacert", "ca.pem"], NotPassedOn.TRUST),
        (["--ciphers", "aNULL"], NotPassedOn.TLS),
        (["--ssl-sessions", "f"], NotPassedOn.TLS),
        (["-v"], NotPassedOn.SHOWN),
        (["--trace", "-"], NotPassedOn.SHOWN),
        (["--libcurl", "x.c"], NotPassedOn.SHOWN),
        (["-u", "ada:secret"], NotPassedOn.CREDENTIAL),
        (["-uada:secret"], NotPassedOn.CREDENTIAL),
        (["-n"], NotPassedOn.CREDENTIAL),
        (["--proto", "=http"], NotPassedOn.PROTOCOL),
        (["-V"], NotPassedOn.NO_REQUEST),
    ],
)
def test_what_is_not_passed_on_says_why(given: list[str], reason: NotPassedOn) -> None:
    """TK-10, H350, H351: curl gives header fields to every address that it is led to."""
    with pytest.raises(CurlOptionRefused) as refused:
        words(*given)
    assert refused.value.reason is reason
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("given", [["-o"], ["-so"], ["--output"], ["-s", "-H"]])
def test_an_option_without_its_value_takes_none_of_ours(given: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        words(*given)


def test_a_dash_of_a_word_processor_is_named() -> None:
    with pytest.raises(UsageError, match="ASCII"):
        words("–s")
