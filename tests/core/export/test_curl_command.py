"""A request as a curl command: it runs as it stands, and a secret is a variable in it."""

from __future__ import annotations

import subprocess
from typing import Final

import pytest

from authlens_core.export.curl_command import curl_commands
from authlens_core.export.redaction import Redactor
from authlens_core.oauth.http_message import FORM_TYPE, Headers, Request
from authlens_core.secret import Body, Secret
from support.needs import program
from support.waiting import PATIENCE

CANARY: Final = "secret-canary-1+/="


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
    """Return a request with a body."""
    headers = Headers.of([("Content-Type", media_type), ("Host", "as.example"), *fields])
    return Request("POST", "https://as.example/token?a=b", headers, Body(body.encode()))


def test_a_request_becomes_one_command_with_the_fields_that_are_not_curls_own() -> None:
    """What was sent is sent again."""
    sent = arguments(list(curl_commands([posted("grant_type=x&resource=https%3A%2F%2Fh%2Fa+b")], Redactor())))
    assert sent == [
        *("--include", "--request", "POST", "https://as.example/token?a=b"),
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
    request = Request("GET", f"https://h/{said}", Headers.of([("X", said)]), Body(f"{{{said}".encode()))
    lines = list(curl_commands([request], Redactor()))
    assert lines
    assert all(line.isprintable() for line in lines)
    sent = arguments(lines)
    assert sent[3:] == [f"https://h/{said}", "--header", f"X: {said}", "--data-raw", f"{{{said}"]
