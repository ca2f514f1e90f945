"""The values of a curl command line make one request, to the URL that was judged."""

from __future__ import annotations

import pytest

from authlens_core.gateway.curl import configuration
from authlens_core.grammars.curl import read_request
from authlens_core.values.errors import UsageError
from support.two_readings import PLACE_FIELDS

URL = "https://wiki.example.com/app/page"


@pytest.mark.parametrize(
    ("words", "method"),
    [
        ([], "GET"),
        (["-d", ""], "POST"),
        (["--json", "{}"], "POST"),
        (["-F", "a=b"], "POST"),
        (["-s", "-G", "-d", "a=b"], "GET"),
        (["-I"], "HEAD"),
        (["-T", "file"], "PUT"),
        (["-T", ""], "GET"),
        (["-d", "x", "-X", "PATCH"], "PATCH"),
        (["-X", "DELETE", "--request", "PUT"], "PUT"),
        (["-o", "-I"], "GET"),
        (["-A", "-d"], "GET"),
    ],
)
def test_the_method_is_the_one_that_curl_uses(words: list[str], method: str) -> None:
    assert read_request(words, URL).method == method


@pytest.mark.parametrize(
    "words",
    [
        ["-X", "GET /admin HTTP/1.1\r\nHost: evil.test\r\n\r\nGET"],
        ["-X", "GET /admin"],
        ["-X", ""],
        ["-X", "TRACE"],
        ["-X", "track"],
        ["-X", "CONNECT"],
        ["-A", "x\r\nHost: evil.test"],
        ["-e", "x\nHost: evil.test"],
        ["-r", "1-2\r\nHost: evil.test"],
        ["-b", "a=b\r\nHost: evil.test"],
        ["-H", "X: y\r\nHost: evil.test"],
        ["-H", "X: y\x00"],
    ],
)
def test_no_value_starts_another_request_or_line(words: list[str]) -> None:
    """H355."""
    with pytest.raises(UsageError):
        read_request(words, URL)


@pytest.mark.parametrize(
    "words", [["-d", "a\r\nb"], ["-w", "%{http_code}\n"], ["--json", "{\n}"], ["-H", "X:\ty"]]
)
def test_content_and_output_may_have_several_lines(words: list[str]) -> None:
    read_request(words, URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.example.com",
        "https://wiki.example.com/",
        "https://wiki.example.com/app/",
        "https://wiki.example.com/app/?",
    ],
)
def test_an_upload_needs_the_whole_url(url: str) -> None:
    """H356: curl would make `/` of `/app/` and a file named `..`."""
    for file in ("/tmp/..", "-"):
        with pytest.raises(UsageError, match="without a name"):
            read_request(["-T", file], url)
    read_request(["-T", "/tmp/.."], URL)


@pytest.mark.parametrize(
    "field",
    [
        "Host: evil.test",
        "host:",
        "Host;",
        "Host;: evil.test",
        "Host : evil.test",
        " Host: evil.test",
        ":authority: evil.test",
        "Authorization: Basic x",
        "AUTHORIZATION:",
        "authorization;",
        "@fields.txt",
        "@-",
        "X",
        "",
        "X Y: z",
    ],
)
def test_a_field_that_changes_where_it_goes_or_the_credential_is_refused(field: str) -> None:
    with pytest.raises(UsageError):
        configuration(URL, read_request(["-H", field], URL), (("Authorization", "Bearer canary"),))


@pytest.mark.parametrize("name", PLACE_FIELDS)
def test_a_field_that_some_servers_read_the_path_from_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not passed on"):
        read_request(["-H", f"{name}: /admin"], URL)


@pytest.mark.parametrize("field", ["Origin: https://wiki.example.com", "Accept:", "X-Empty;", "x: ü"])
def test_every_other_field_passes(field: str) -> None:
    configuration(URL, read_request(["-H", field], URL), (("Authorization", "Bearer canary"),))


def test_a_field_of_another_kind_of_credential_passes() -> None:
    """An application behind Access may want a login of its own."""
    configuration(URL, read_request(["-H", "Authorization: Basic x"], URL), (("CF-Access-Client-Id", "a"),))
