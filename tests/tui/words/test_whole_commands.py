"""Commands in the words of a fix: whole, and alone at the end of their lines."""

from __future__ import annotations

import pytest

from authlens_tui.cli.parser import build_parser
from authlens_tui.words.whole_commands import Fix, fixes, options_given

URL = "https://wiki.example/a b"


def test_each_command_ends_a_line_of_its_own_without_the_full_stop() -> None:
    text = "Ask the owner. It takes a minute. Or use a client: authlens login URL --client-id ID. Then wait."
    assert fixes([text], "https://wiki.example/") == (
        Fix("Ask the owner. It takes a minute."),
        Fix(
            "Or use a client: authlens login https://wiki.example/ --client-id ID",
            "authlens login https://wiki.example/ --client-id ID",
        ),
        Fix("Then wait."),
    )


def test_two_commands_with_a_gap_between_them_are_two_lines() -> None:
    found = fixes(["Run: authlens login https://a.example/     All: authlens list"])
    assert [fix.command for fix in found] == ["authlens login https://a.example/", "authlens list"]


def test_a_url_that_a_shell_would_split_is_quoted() -> None:
    [fix] = fixes(["Again: authlens refresh URL"], URL)
    assert fix.command == "authlens refresh 'https://wiki.example/a b'"


@pytest.mark.parametrize(
    ("given", "text", "command"),
    [
        (["--port", "0"], "authlens login --any-issuer URL", "U --port 0 --any-issuer"),
        (["--timeout", "2"], "authlens login URL --timeout 900", "U --timeout 900"),
        (["--scope", ""], "authlens login URL", "U --scope ''"),
        (
            ["--client-metadata-url", "https://d/"],
            "authlens login URL --client-id ID",
            "U --client-id ID",
        ),
        (["--yes", "a.b"], "authlens login URL --yes c.d", "U --yes a.b --yes c.d"),
        (["--paste-only", "--device"], "authlens login URL", "U --paste-only --device"),
        (["--machine", "jwt-bearer"], "authlens login URL --timeout 9", "U --machine jwt-bearer --timeout 9"),
        (["--port", "0"], "authlens login --cloudflared URL", "--cloudflared U"),
    ],
)
def test_a_login_keeps_the_options_that_the_fix_does_not_decide(
    given: list[str], text: str, command: str
) -> None:
    typed = build_parser("login").parse_args(["login", "https://u.example/", *given])
    [fix] = fixes([f"Do it: {text}."], "https://u.example/", options_given(typed))
    assert fix.command == f"authlens login {command}".replace("U", "https://u.example/")


@pytest.mark.parametrize("words", ["Log in again.", "Refresh it, or log in again."])
def test_log_in_again_is_the_command_with_the_options_of_this_login(words: str) -> None:
    [fix] = fixes([words], "https://wiki.example/", (("--port", "0"),))
    assert fix.words == f"{words[:-1]}: authlens login https://wiki.example/ --port 0"


def test_without_a_url_the_words_stay_as_they_are() -> None:
    assert fixes(["Log in: authlens login URL"]) == (Fix("Log in: authlens login URL", "authlens login URL"),)


@pytest.mark.parametrize(
    ("given", "more", "command"),
    [
        (("--redirect-uri", "http://localhost:9/cb"), "--port 8401", "--port 8401"),
        (("--port", "8401"), "--redirect-uri http://[::1]:9/", "--redirect-uri http://[::1]:9/"),
    ],
)
def test_an_option_that_replaces_another_is_named_without_it(
    given: tuple[str, ...], more: str, command: str
) -> None:
    [fix] = fixes([f"Try: authlens login URL {more}"], "https://wiki.example/", (given, ("--dpop",)))
    assert fix.command == f"authlens login https://wiki.example/ --dpop {command}"
