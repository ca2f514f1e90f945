"""git's credential helper protocol, as git-credential(1) defines it."""

from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.grammars.git_credential import (
    LONGEST_LINE,
    GitRequest,
    GitRequestRefused,
    bearer_answer,
    read_request,
)
from authlens_core.values.secret import Secret

ASKED = b"capability[]=authtype\nprotocol=https\nhost=good.example\n"
SPLIT_BY_PYTHON = ("\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")


def read(data: bytes) -> GitRequest:
    """Read bytes as a pipe gives them: in lines that end in LF."""
    return read_request(iter(BytesIO(data).readline, b""))


def test_a_request_of_git_is_read() -> None:
    request = read(
        ASKED + b"path=a b/\xc3\xa9%2f?.git\nusername=u\nwwwauth[]=Bearer\twwwauth[]=Basic\nnew=1\n\n"
    )
    assert request.site == "https://good.example"
    assert request.path == "/a%20b/%C3%A9%252f%3F.git"
    assert request.capabilities == {"authtype"}
    assert request.bearer is None
    assert request.challenges == ("Bearer wwwauth[]=Basic",)


def test_nothing_after_the_empty_line_is_read() -> None:
    """H314."""
    given_lines = iter([b"protocol=https\n", b"host=evil.example\n", b"\n", b"host=good.example\n"])
    assert read_request(given_lines).site == "https://evil.example"
    assert next(given_lines) == b"host=good.example\n"


def test_the_end_of_the_input_ends_a_request_too() -> None:
    assert read(ASKED).site == "https://good.example"


@pytest.mark.parametrize("end", SPLIT_BY_PYTHON)
@pytest.mark.parametrize("name", ["path", "username", "wwwauth[]", "password", "state[]", "host", "new"])
def test_only_lf_ends_a_line_and_other_line_ends_refuse_the_request(name: str, end: str) -> None:
    """H310, H311: a value that git passes on as it came."""
    attack = f"protocol=https\nhost=evil.example\n{name}=x{end}host=good.example\n\n"
    with pytest.raises(GitRequestRefused):
        read(attack.encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (ASKED + b"host=evil.example\n", "comes twice"),
        (ASKED + b"new=1\nnew=1\n", "comes twice"),
        (ASKED + b"path\n", "no equals sign"),
        (ASKED + b"path=x", "no end"),
        (ASKED + b"path=\xff\n", "not UTF-8"),
        (ASKED + b"path=\x00\n", "unprintable"),
        (ASKED + b"na\x0bme=\n", "unprintable"),
        (ASKED + b"path=" + b"x" * LONGEST_LINE + b"\n", "longer than 65535"),
        (ASKED + b"wwwauth[]=x\n" * 100_000, "longer than 1048576"),
        (ASKED + b"url=https://good.example\n", "has a url"),
    ],
)
def test_what_readers_may_read_differently_is_refused_with_the_reason(data: bytes, why: str) -> None:
    """H315."""
    with pytest.raises(GitRequestRefused, match=why):
        read(data)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "good.example/.evil.example",
            "good.example?",
            "good.example#",
            "u@good.example",
            "good.example\\x",
        ),
        *("good.example%2f.evil.example", "good example", "good.example:80:80", "good.example:", "[::1", "é"),
        *("good.example:443@evil", "good.example\t", "[::1]x", "[::1%25eth0]"),
    ],
)
def test_a_host_is_a_name_with_an_optional_port_and_nothing_else(host: str) -> None:
    """H316: it becomes part of a URL."""
    with pytest.raises(GitRequestRefused):
        read(f"protocol=https\nhost={host}\n\n".encode())


@pytest.mark.parametrize("host", ["good.example", "good.example:8443", "[::1]:80", "127.0.0.1", "a_b"])
def test_a_host_may_have_a_port(host: str) -> None:
    assert read(f"protocol=https\nhost={host}\n\n".encode()).site == f"https://{host}"


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"protocol=cert\nhost=\n", b"protocol=smtp\nhost=a b\n", b"host=h\n"]
)
def test_what_is_not_on_the_web_has_no_site(data: bytes) -> None:
    assert read(data).site is None


def test_a_path_cannot_end_the_host_or_start_a_query() -> None:
    """H316: git has taken the escapes out of it."""
    assert read(ASKED + b"path=@evil.example:80/?#\\[x]%\n\n").path == "/@evil.example:80/%3F%23%5C%5Bx%5D%25"


def test_an_empty_value_resets_the_capabilities() -> None:
    assert read(ASKED + b"capability[]=\ncapability[]=state\n").capabilities == {"state"}


def test_letters_of_another_charset_in_a_challenge_are_no_reason_to_refuse() -> None:
    """A server may write them (RFC 9110 §5.5), and the challenge is not used."""
    for value in ('Basic realm="é"'.encode("latin-1"), 'Basic realm="– é"'.encode(), b'Basic\trealm="x"'):
        assert read(ASKED + b"wwwauth[]=" + value + b"\n\n").site == "https://good.example"


@pytest.mark.parametrize(
    ("authtype", "found"), [("Bearer", True), ("bearer", True), ("Basic", False), ("", False)]
)
def test_a_credential_counts_with_its_own_scheme_only(authtype: str, found: bool) -> None:
    request = read(ASKED + f"authtype={authtype}\ncredential=canary\n".encode())
    assert (request.bearer == Secret("canary")) is found
    assert "canary" not in repr(request)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    with suppress(GitRequestRefused):
        assert read(ASKED + data).site == "https://good.example"


def test_an_answer_has_one_value_a_line() -> None:
    answer = bearer_answer(Secret("canary"), datetime(2030, 1, 1, tzinfo=UTC)).reveal()
    assert answer.split("\n") == [
        *("capability[]=authtype", "authtype=Bearer", "credential=canary", "ephemeral=1"),
        "password_expiry_utc=1893456000",
    ]


@pytest.mark.parametrize("token", ["a\nhost=x", "a\rb", "a\0b", "a b", "é", "", "x" * LONGEST_LINE])
def test_a_token_that_a_line_cannot_carry_is_not_written(token: str) -> None:
    """H317."""
    with pytest.raises(ValueError, match="does not fit"):
        bearer_answer(Secret(token), None)
