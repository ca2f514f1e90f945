"""The options of `login`, with the verb and without it."""

from argparse import Namespace

import pytest

from authlens_core.values.errors import UsageError
from authlens_core.values.login_options import Options
from authlens_tui.app.workspace import Workspace
from authlens_tui.cli import full_screen, main
from authlens_tui.cli.login.login_arguments import (
    login_options,
    login_secrets,
    refuse_options_without_screen,
)
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.verbs import VERBS

URL = "https://a.example/"


def typed(*options: str) -> Namespace:
    return build_parser().parse_args(["login", URL, *options])


@pytest.mark.parametrize("option", ["--json", "--no-browser", "--cloudflared"])
def test_what_only_plain_lines_have_is_refused_by_the_full_screen(option: str) -> None:
    """The error names the option, the cure the verb."""
    with pytest.raises(UsageError, match=f"has no {option}") as refused:
        refuse_options_without_screen(typed(option))
    assert "authlens login URL" in str(refused.value.cure)


def test_a_url_with_options_starts_the_full_screen_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """`authlens URL --port 8401`, as the cure of a taken port says."""
    started: list[tuple[str | None, Options | None]] = []

    def run_app(url: str | None, arguments: Namespace) -> int:
        started.append((url, login_options(arguments, login_secrets(arguments))))
        return 0

    monkeypatch.setattr(full_screen, "run_app", run_app)
    monkeypatch.setattr(full_screen, "why_no_full_screen", lambda: None)
    assert main.run([URL, "--port", "8401", "--scope", "read"]) == 0
    assert started == [(URL, Options(port=8401, scope="read"))]


@pytest.mark.parametrize("option", ["--scope", "--client-id", "--resource", "--issuer"])
def test_an_option_that_is_not_utf_8_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Python reads such a byte as a surrogate, which cannot be sent."""
    with pytest.raises(SystemExit) as refused:
        main.run(["login", option, "\udcff", URL])
    assert refused.value.code == 2
    assert f"argument {option}: not UTF-8 text" in capsys.readouterr().err.lower().replace("utf-8", "UTF-8")


def test_options_may_stand_between_the_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    logins: list[Namespace] = []

    def login(arguments: Namespace) -> int:
        logins.append(arguments)
        return 0

    monkeypatch.setitem(VERBS, "login", login)
    assert main.run(["login", URL, "--json", "https://b.example/", "https://c.example/"]) == 0
    assert logins[0].urls == [URL, "https://b.example/", "https://c.example/"]
    assert logins[0].json


def test_the_options_are_those_of_that_url_only() -> None:
    workspace = Workspace(options={URL: Options(client_id="mine")})
    assert workspace.options(URL) == Options(client_id="mine")
    assert workspace.options("https://b.example/") is None


@pytest.mark.parametrize("other", [("--port", "8401"), ("--redirect-host", "127.0.0.1")], ids=lambda o: o[0])
def test_a_part_of_the_redirect_uri_is_refused_beside_the_whole(
    other: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--redirect-uri", "http://localhost:9/cb")
    assert main.run(["login", URL, *given, *other]) == UsageError.exit_code
    assert f"--redirect-uri is used instead of {other[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("jwt-bearer", "--machine jwt-bearer --assertion-file FILE"),
        ("jwt-bearer --assertion-file a --assertion-command b", "--machine jwt-bearer --assertion-file FILE"),
        (
            "enterprise --client-id x",
            "--client-id x --machine enterprise --assertion-file FILE --idp PROVIDER",
        ),
        (
            "enterprise --assertion-file /a --idp https://i.example/",
            "--assertion-file /a --idp https://i.example/ --machine enterprise --client-id ID",
        ),
        (
            "enterprise --client-id x --assertion-file /a",
            "--client-id x --assertion-file /a --machine enterprise --idp PROVIDER",
        ),
    ],
    ids=["none", "two", "and no provider", "no client", "a provider alone"],
)
def test_a_program_that_does_not_name_all_it_needs_is_told_before_anything_is_sent(
    words: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["login", URL, "--machine", *words.split()]) == 2
    assert capsys.readouterr().err.rstrip().endswith(f": authlens login {URL} {command}")
