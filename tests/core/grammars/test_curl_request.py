"""Words, configuration and head of curl make one request, to the URL that was judged."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authlens_core.gateway.curl import configuration
from authlens_core.grammars.curl import config_line, newest_head, read_request
from authlens_core.values.errors import UsageError
from support.made_checks import present
from support.needs import program
from support.two_readings import PLACE_FIELDS
from support.waiting import PATIENCE

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


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nX:\r\nx: two\r\n\r\n"


def test_the_newest_answer_that_is_not_interim_counts() -> None:
    text = CONTINUE + FOUND + b"Trailer: 1\r\n\r\n"
    head = present(newest_head(text))
    assert head.status == 302
    assert head.headers.fields == (("Location", "/a"), ("X", ""), ("x", "two"))
    following = present(newest_head(text + b"HTTP/2 200 \n\n"))
    assert following.status == 200


@pytest.mark.parametrize("text", [b"", CONTINUE, b"Trailer: 1\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_what_is_no_whole_head_is_none(text: bytes) -> None:
    assert newest_head(text) is None


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=40)
VALUES = TEXT.filter(lambda text: not text.startswith("@"))  # --write-out reads @FILE


@settings(max_examples=4, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=8))
def test_curl_reads_the_value_itself(values: list[str]) -> None:
    """Quotes, backslashes, number signs, spaces and dashes end no value and start no option."""
    lines = [config_line("write-out", f"{value.replace('%', '%%')}%{{urlnum}}") for value in values]
    for line, value in zip(lines, values, strict=True):
        done = subprocess.run(
            [program("curl"), "-q", "-s", "--config", "-", "--url", "file:///dev/null"],
            input=line.encode(),
            capture_output=True,
            timeout=PATIENCE,
        )
        assert done.stdout.decode() == f"{unescaped(value)}0"


def unescaped(value: str) -> str:
    r"""Return what --write-out makes of a text: it knows \n, \r and \t."""
    for written, meant in (("\\n", "\n"), ("\\r", "\r"), ("\\t", "\t")):
        value = value.replace(written, meant)
    return value


@pytest.mark.parametrize("value", ["a\nurl = evil", "a\r", "a\0", "a\x0b", "a\x7f"])
def test_a_value_with_a_line_end_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="control"):
        config_line("header", value)
