"""What happens at the boundary of the process: verbs, the words of other programs, exit codes."""

import ast
import inspect
import os
import subprocess
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path

import pytest

from authlens_core.values.errors import (
    AuthlensError,
    LoginNeeded,
    NetworkFailure,
    NoSecretStore,
    NotProtected,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.cli import main, verbs
from authlens_tui.cli.full_screen import run_to_end, wants_stillness
from authlens_tui.cli.login.login_arguments import login_secrets
from authlens_tui.cli.parser import build_parser
from authlens_tui.cli.verbs import VERBS
from support.waiting import PATIENCE

CANARY = "canary-6f1d2c"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError, 2),
        (NotProtected, 3),
        (LoginNeeded, 4),
        (Refused, 5),
        (NetworkFailure, 6),
        (ServerMisconfigured, 7),
        (TimedOut, 8),
        (NoSecretStore, 9),
    ],
)
def test_each_error_has_its_exit_code(
    error: type[AuthlensError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Design §6: scripts go by the code."""

    def fail(_arguments: object) -> int:
        raise error("The cause.", "The cure.")

    monkeypatch.setitem(verbs.VERBS, "list", fail)

    assert main.run(["list"]) == code
    assert capsys.readouterr() == ("", "✖ The cause.\n  → The cure.\n")


def test_a_mistake_of_ours_shows_its_place_and_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the message nor a local variable, which may hold a token."""

    def fail(_arguments: object) -> int:
        token = CANARY
        raise RuntimeError(f"boom {token}")

    monkeypatch.setitem(verbs.VERBS, "list", fail)

    assert main.run(["list"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "RuntimeError" in err
    assert "authlens_tui/cli/main.py:" in err
    assert CANARY not in err
    assert "boom" not in err
    assert "Traceback" not in err


def test_ctrl_c_before_there_is_a_loop_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setitem(verbs.VERBS, "list", interrupted)

    assert main.run(["list"]) == 130


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["lgoin"], "Did you mean authlens login?"),
        (["ftp://a.example/"], "does not start with https://"),
        (["probe", "javascript:alert(1)"], "cannot be used"),
        (["login", "https://user:pw@a.example/"], "user name or password"),
        (["token", ""], "Nothing cannot be used"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_was_meant(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, words on stderr."""
    assert main.run(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_a_hostile_argument_is_shown_inert(capsys: pytest.CaptureFixture[str]) -> None:
    """An agent may have put it there."""
    assert main.run(["probe", "https://a.example/\x1b]52;c;x\x07"]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["demo"]])
def test_the_app_is_refused_without_a_terminal(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """H167: one line on what is missing and one on what works instead."""
    assert main.run(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert "authlens login" in err


@pytest.mark.parametrize(
    ("wanted", "cure"), [("drakula", "Run: authlens --theme dracula"), ("x", "Use one of these: ")]
)
def test_a_theme_that_does_not_exist_is_refused(
    wanted: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLENS_THEME", wanted)

    with pytest.raises(UsageError, match="There is no theme") as refused:
        run_to_end(AuthlensApp(environ={}))

    assert str(refused.value.cure).startswith(cure)


def test_the_faults_are_listed_as_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """`authlens demo --fault list` needs no terminal."""
    assert main.run(["demo", "--fault", "list"]) == 0
    out, err = capsys.readouterr()
    assert "hostile-text" in out
    assert err == ""


def test_a_setuid_program_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """H171: it would lend its rights to whoever sets the environment."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    assert main.run(["list"]) == 2
    assert "setuid" in capsys.readouterr().err


def test_the_client_secret_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """V-8: no browser and no other child inherits it."""
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", CANARY)
    arguments = build_parser().parse_args(["login", "https://a.example/", "--client-id", "x"])

    secrets = login_secrets(arguments)

    assert secrets["client_secret"].reveal() == CANARY
    assert "AUTHLENS_CLIENT_SECRET" not in os.environ


def test_without_a_client_id_the_client_secret_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to one client and is sent for no other."""
    monkeypatch.setenv("AUTHLENS_CLIENT_SECRET", CANARY)

    assert not login_secrets(build_parser().parse_args(["login", "https://a.example/"]))


IMPORTS = """
import sys
from authlens_tui.cli.main import run
try:
    code = run(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
loaded = {n.partition(".")[0] for n in sys.modules} | {"authlens_lab.learning"} & set(sys.modules)
sys.stderr.write(" ".join(loaded))
"""


@pytest.mark.parametrize(
    ("argv", "more"),
    [
        (["--help"], {"asyncio", "httpx"}),
        (["--version"], {"asyncio", "httpx"}),
        (["token", "https://a.example/"], {"starlette", "uvicorn", "keyring"}),
        (["list"], {"starlette", "uvicorn", "keyring"}),
        (["login", "ftp://nowhere"], {"starlette", "uvicorn", "keyring"}),
    ],
)
def test_a_verb_imports_no_screen_and_little_else(argv: list[str], more: set[str]) -> None:
    """Design §7: everything that the verb does not need is left alone."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *argv], capture_output=True, text=True, timeout=PATIENCE
    )

    loaded = set(done.stderr.split())
    assert "authlens_tui" in loaded
    assert loaded & ({"textual", "rich", "pyperclip", "authlens_lab.learning"} | more) == set()


def test_list_starts_no_keyring_helper(tmp_path: Path) -> None:
    """No secret is shown, so nobody is asked to unlock anything."""
    backend = tmp_path / "tell_tale.py"
    backend.write_text(f"open({str(tmp_path / 'started')!r}, 'w')\nraise SystemExit\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "tell_tale.Keyring"}

    done = subprocess.run(
        [sys.executable, "-m", "authlens_tui", "list", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert not (tmp_path / "started").exists()


def test_a_reader_that_goes_away_is_no_error_to_tell(tmp_path: Path) -> None:
    """`authlens demo --fault list | head -1`: 141, as of any filter, and not a word."""
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "authlens_tui", "demo", "--fault", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(write)
        words = process.communicate(timeout=PATIENCE)[1]

    assert (process.returncode, words) == (141, "")


def test_words_that_nobody_can_read_change_nothing() -> None:
    """After a terminal has gone the exit code still tells how it ended, and not that stderr failed."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "authlens_tui", "list"],
            stdout=subprocess.PIPE,
            stderr=full.fileno(),
            timeout=PATIENCE,
        )

    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.parametrize("closing", ["2>&-", "<&-", "2>&- <&-"])
def test_closed_standard_streams_are_no_mistake_of_ours(closing: str) -> None:
    """As under some service managers."""
    command = f"exec {sys.executable} -m authlens_tui list --json {closing}"

    done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, timeout=PATIENCE)

    assert (done.returncode, done.stdout) == (0, b"[]\n")


def test_an_answer_that_is_lost_is_no_success() -> None:
    """A script that redirects to a full disk must hear of it."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "authlens_tui", "list", "--json"],
            stdout=full.fileno(),
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )

    assert done.returncode == 1
    assert "could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_initial_access_token_is_taken_for_the_login_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Issue 23, 7: from the environment or a prompt; a login to another server does not get it."""
    for more, taken in (["--initial-access-token"], True), ([], False):
        monkeypatch.setenv("AUTHLENS_INITIAL_ACCESS_TOKEN", CANARY)
        secrets = login_secrets(build_parser().parse_args(["login", "https://a.example/", *more]))
        assert ("initial_access_token" in secrets) is taken
        assert "AUTHLENS_INITIAL_ACCESS_TOKEN" not in os.environ


@pytest.mark.parametrize(
    ("name", "value", "still"),
    [("AUTHLENS_REDUCED_MOTION", "1", True), ("TEXTUAL_ANIMATIONS", "none", True), ("TERM", "xterm", False)],
)
def test_the_demo_plays_itself_unless_the_user_wants_no_motion(
    name: str, value: str, still: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert wants_stillness() is still


URL = "https://wiki.example.com/"


@pytest.mark.parametrize(("verb", "where"), [("run", "command"), ("curl", "arguments")])
@pytest.mark.parametrize("before", [[URL], [URL, "--min-ttl", "5"], ["--min-ttl", "5", URL]])
@pytest.mark.parametrize(
    "words", [["git", "checkout", "--", "FILE"], ["a", "--", "--"], ["--", "a"], ["--help"], []]
)
def test_each_word_behind_the_first_dashes_is_kept(
    verb: str, where: str, before: list[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Namespace] = []

    def note(arguments: Namespace) -> int:
        read.append(arguments)
        return 0

    monkeypatch.setitem(VERBS, verb, note)
    assert main.run([verb, *before, "--", *words]) == 0
    (arguments,) = read
    assert (arguments.url, getattr(arguments, where)) == (URL, words)


def test_each_verb_imported_by_name_is_a_function_of_the_arguments() -> None:
    calls = [
        [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
        for node in ast.walk(ast.parse(inspect.getsource(verbs)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_verb"
    ]
    named = [names for names in calls if names]
    assert len(named) > 15, "the walk found too little to prove anything"

    for module, *function in named:
        found = getattr(
            import_module(f"authlens_tui.cli.{module}"),
            function[0] if function else module.rpartition(".")[2],
        )
        assert len(inspect.signature(found).parameters) == 1, f"{module}.{found}"
