"""The values of a curl command line make one request, to the URL that was judged."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl_options import read_options
from authlens_core.grammars.curl_request import check_fields, check_values, method_of
from authlens_core.values.errors import UsageError
from support.place_fields import PLACE_FIELDS

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
    assert method_of(read_options(words, URL)) == method


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
        check_values(read_options(words, URL), URL)


@pytest.mark.parametrize(
    "words", [["-d", "a\r\nb"], ["-w", "%{http_code}\n"], ["--json", "{\n}"], ["-H", "X:\ty"]]
)
def test_content_and_output_may_have_several_lines(words: list[str]) -> None:
    check_values(read_options(words, URL), URL)


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
    with pytest.raises(UsageError, match="/NAME"):
        check_values(read_options(["-T", "/tmp/.."], url), url)
    check_values(read_options(["-T", "-"], url), url)
    check_values(read_options(["-T", "/tmp/.."], URL), URL)


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
    options = read_options(["-H", field], URL)
    with pytest.raises(UsageError):
        check_fields(options, ["Authorization"], URL)


@pytest.mark.parametrize("name", PLACE_FIELDS)
def test_a_field_that_some_servers_read_the_path_from_is_refused(name: str) -> None:
    """The refusal leads to the proxy, which compares the place with the credential's."""
    with pytest.raises(UsageError, match="authlens proxy"):
        check_fields(read_options(["-H", f"{name}: /admin"], URL), (), URL)


@pytest.mark.parametrize("field", ["Origin: https://wiki.example.com", "Accept:", "X-Empty;", "x: ü"])
def test_every_other_field_passes(field: str) -> None:
    check_fields(read_options(["-H", field], URL), ["Authorization"], URL)


def test_a_field_of_another_kind_of_credential_passes() -> None:
    """An application behind Access may want a login of its own."""
    check_fields(read_options(["-H", "Authorization: Basic x"], URL), ["CF-Access-Client-Id"], URL)
