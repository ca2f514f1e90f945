"""A request as a curl command: it runs as it stands, and a secret is a variable in it."""

import subprocess
from typing import Final

import pytest

from authlens_core.export.curl_commands import curl_commands
from authlens_core.export.redaction import Redactor
from authlens_core.values.exchange import FORM_TYPE, Headers, Request
from authlens_core.values.secret import Body, Secret
from support.needs import program
from support.waiting import PATIENCE

CANARY: Final = "secret-canary-1+/="
URL: Final = "https://h/a"


def arguments(lines: list[str], answers: str = "") -> list[str]:
    """Return what bash gives to curl when it runs `lines`, a secret typed in for each `read`."""
    script = "\n".join(["curl() { printf '%s\\0' \"$@\"; }", *lines])
    done = subprocess.run(
        [program("bash"), "-c", script],
        input=answers.encode(),
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout.decode().split("\0")[:-1]


def posted(body: str, media_type: str = FORM_TYPE, *fields: tuple[str, str]) -> Request:
    headers = Headers.of([("Content-Type", media_type), ("Host", "as.example"), *fields])
    return Request("POST", "https://as.example/token?a=b", headers, Body(body.encode()))


def test_a_request_becomes_one_command_with_the_fields_that_are_not_curls_own() -> None:
    sent = arguments(list(curl_commands([posted("grant_type=x&resource=https%3A%2F%2Fh%2Fa+b")], Redactor())))
    assert sent == [
        *("--include", "--request", "POST", "--url", "https://as.example/token?a=b"),
        *("--header", f"Content-Type: {FORM_TYPE}"),
        *("--data-urlencode", "grant_type=x"),
        *("--data-urlencode", "resource=https://h/a b"),
    ]


def test_a_secret_is_a_variable_that_is_asked_for_once() -> None:
    """Nothing masked, nothing secret; what the person types takes its place."""
    request = posted(f"code=abc&token={CANARY}", FORM_TYPE, ("Authorization", f"Bearer {CANARY}"))
    lines = list(curl_commands([request, request], Redactor([Secret(CANARY)])))
    text = "\n".join(lines)
    commands = [one for one in lines if not one.startswith("read ")]
    assert CANARY not in text
    assert not [one for one in commands if "••••" in one]
    assert text.count("read -rsp") == 2
    sent = arguments(lines, f"{CANARY}\nabc\n")
    assert sent.count(f"Authorization: Bearer {CANARY}") == 2
    assert sent.count(f"token={CANARY}") == 2
    assert sent.count("code=abc") == 2


@pytest.mark.parametrize(
    "said", ["$(touch x)", "`id`", "a'b", 'a"b', "a\\b", "\x1b[5n", "a\nb", "!x", "-K/etc/passwd"]
)
def test_whatever_a_request_holds_is_one_word(said: str) -> None:
    """Text from outside never becomes a command or an option."""
    fields = Headers.of([("X", said), ("Content-Type", "text/plain")])
    lines = list(
        curl_commands([Request("GET", f"https://h/{said}", fields, Body(f"x{said}".encode()))], Redactor())
    )
    assert lines
    assert all(line.isprintable() for line in lines)
    sent = arguments(lines)
    field = ["--header", f"X: {said}"] if said.isprintable() else []
    body = ["--header", "Content-Type: text/plain", "--data-raw", f"x{said}"]
    assert sent[sent.index("--url") :] == ["--url", f"https://h/{said}", *field, *body]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "-K./x"),
        ("GET", "@urls.txt"),
        ("GET", "file:///etc/passwd"),
        ("GET", "https://ada:secret@h/"),
        ("GET", "https://good.example\\@evil.example/"),
        ("GET", "h/path"),
        ("", "https://h/"),
        ("GET /x", "https://h/"),
        ("-K./x\r\nA: b", "https://h/"),
    ],
)
def test_what_curl_would_read_as_something_else_is_no_command(method: str, url: str) -> None:
    """H358: a session file of a stranger."""
    (line,) = curl_commands([Request(method, url)], Redactor())
    assert line.startswith("# curl cannot send this request")
    assert arguments([line]) == []


@pytest.mark.parametrize(
    ("name", "value", "argument"),
    [
        ("@/etc/passwd", "x", None),
        ("X", "a\r\nHost: b", None),
        ("X Y", "z", None),
        ("X", "", "X;"),
        ("X", "@f", "X: @f"),
    ],
)
def test_a_field_is_sent_as_it_is_or_said_to_be_left_out(name: str, value: str, argument: str | None) -> None:
    """H359: `@name` would send a file, and an empty value no field at all."""
    lines = list(curl_commands([Request("GET", "https://h/", Headers.of([(name, value)]))], Redactor()))
    sent = arguments(lines)
    assert sent[sent.index("https://h/") + 1 :] == ([] if argument is None else ["--header", argument])
    assert lines[0].startswith("# without the field") is (argument is None)


def test_a_body_that_is_no_text_is_said_to_be_left_out() -> None:
    request = Request("POST", "https://h/", Headers.of([("Content-Type", "image/png")]), Body(b"\x89PNG\0"))
    lines = list(curl_commands([request], Redactor()))
    assert lines[0].startswith("# without the body")
    assert "--data-raw" not in arguments(lines)
