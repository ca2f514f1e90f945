"""`export`, `open` and `compare`: traces as files, and what a script learns from the exit code."""

import asyncio
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.credentials.store.secret_store import MemoryStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.export.session_file import read_session, session_json
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.values.exchange import Exchange, Headers, Request, Response
from authlens_core.values.secret import Body
from authlens_tui.cli import main
from support.driven_login import leaks
from support.grants import grant, keep
from support.hostile_trace import CANARY, hostile_trace

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://wiki.example.com/mcp"
Captured = pytest.CaptureFixture[str]


class Persistent(MemoryStore):
    """A store in memory whose index is a file, as that of a keyring is."""

    persistent = True


def trace(name: str, kind: TraceKind, stage: Stage, *, scope: str = "a", state: str = "aaaaaaaa") -> Trace:
    """Return a trace of one exchange."""
    form = Headers.of([("Content-Type", "application/x-www-form-urlencoded")])
    request = Request("POST", URL, form, Body(f"scope={scope}&state={state}&code={CANARY_CODE}".encode()))
    exchange = Exchange(request, Response(200, body=Body(b"{}")), None, BEGAN, 0.1)
    return Trace(name, kind, URL, BEGAN, (StageRecord(stage, Outcome.PASSED, BEGAN, 0.1, (exchange,)),))


CANARY_CODE = "c4nary-code-0123456789"
LOGIN = trace("login1", TraceKind.LOGIN, Stage.EXCHANGE)
REFRESH = trace("refresh1", TraceKind.REFRESH, Stage.REFRESH)


@pytest.fixture
def wiki(private_environment: Path) -> str:
    """A resource of which a login, and after it a refresh, are kept."""

    async def prepare() -> None:
        credentials = Credentials.open(Persistent())
        await keep(credentials, grant())
        assert credentials.traces.keep("id-wiki", LOGIN)
        assert credentials.traces.keep("id-wiki", REFRESH)
        await credentials.aclose()

    asyncio.run(prepare())
    return URL


def saved(path: Path, what: Trace) -> str:
    path.write_text(session_json(what))
    return str(path)


def test_the_newest_login_of_a_url_is_exported(wiki: str, capsys: Captured) -> None:
    """Although something came after it; the answer alone is on stdout."""
    assert main.run(["export", wiki]) == 0
    out, err = capsys.readouterr()
    assert read_session(out.encode()).kind is TraceKind.LOGIN
    assert (err, leaks(out, CANARY_CODE)) == ("", [])


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (
            ["export", URL, "--which", "probe"],
            2,
            "No probe trace of it is stored; stored are: login, refresh",
        ),
        (["export", URL, "--which", "0"], 2, "2 traces of it are stored"),
        (["export", URL, "--which", "3"], 2, "2 traces of it are stored"),
        (["export", "https://other.example/"], 4, "There is no login for"),
        (["export", "nothing.json"], 2, "There is no file nothing.json"),
        (["export", "wiki.example.com"], 2, "the whole address"),
        (["open", "nothing.json"], 2, "cannot be read"),
        (["compare", URL, "nothing.json"], 2, "There is no file"),
    ],
)
def test_what_is_not_there_is_said(
    wiki: str, argv: list[str], code: int, said: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause, cure and a code; nothing on stdout."""
    monkeypatch.chdir(Path.home().parent)
    assert main.run(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("session", "{"),
        ("har", "{"),
        ("curl", "#!/usr/bin/env bash"),
        ("markdown", "# authlens: login"),
    ],
)
def test_a_file_is_exported_in_every_form(tmp_path: Path, form: str, begins: str, capsys: Captured) -> None:
    """A session file is a trace like any other; no secret of a hostile one is in it, whatever the form."""
    source = saved(tmp_path / "a.json", hostile_trace())
    assert main.run(["export", source, "--format", form]) == 0
    out = capsys.readouterr().out
    assert out.startswith(begins)
    assert leaks(out, CANARY) == []


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize("more", [[], ["--force"]])
def test_a_name_of_stdout_is_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, more: list[str], capsys: Captured
) -> None:
    """As root, `--force` would make a file of the link /dev/stdout."""
    source = saved(tmp_path / "a.json", hostile_trace())
    written: list[object] = []
    monkeypatch.setattr(
        "authlens_tui.cli.stored.recorded.write_export", lambda *args, **_: written.append(args)
    )
    assert main.run(["export", source, "-o", name, *more]) == 0
    assert capsys.readouterr().out.startswith("{")
    assert written == []


def test_a_file_is_written_for_its_owner_and_not_twice(wiki: str, tmp_path: Path, capsys: Captured) -> None:
    """Replacing one takes --force; where it went is said on stderr."""
    path = tmp_path / "out.json"
    argv = ["export", wiki, "-o", str(path)]
    assert main.run(argv) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert f"Written to {path}" in err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.write_text("mine")
    assert main.run(argv) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main.run([*argv, "--force"]) == 0
    assert read_session(path.read_bytes()).trace_id == "login1"


def test_a_terminal_is_needed_to_open_a_file(tmp_path: Path, capsys: Captured) -> None:
    """And what works without one is named."""
    assert main.run(["open", saved(tmp_path / "a.json", LOGIN)]) == 2
    assert "authlens export" in capsys.readouterr().err


def test_a_file_that_is_no_session_is_refused(tmp_path: Path, capsys: Captured) -> None:
    """Before anything is painted."""
    (tmp_path / "a.json").write_text("{}")
    assert main.run(["open", str(tmp_path / "a.json")]) == 2
    assert "cannot be opened as a session" in capsys.readouterr().err


def test_only_what_differs_is_printed(wiki: str, tmp_path: Path, capsys: Captured) -> None:
    """Exit code 10; states and codes are only counted."""
    other = saved(tmp_path / "b.json", trace("x", TraceKind.LOGIN, Stage.EXCHANGE, scope="b", state="b" * 8))
    assert main.run(["compare", wiki, other]) == 10
    out = capsys.readouterr().out
    assert out.splitlines()[:5] == [
        "Both ended the same way. They differ first in 7 Exchange.",
        "7 Exchange",
        "  Request 1: body scope",
        "    A  a",
        "    B  b",
    ]
    assert "1 expected difference" in out


def test_the_same_is_said_and_ends_with_0(wiki: str, tmp_path: Path, capsys: Captured) -> None:
    """A kept trace and its file are the same."""
    assert main.run(["compare", wiki, saved(tmp_path / "a.json", LOGIN)]) == 0
    assert capsys.readouterr().out == "No differences.\n"


def test_a_comparison_is_one_json_object(wiki: str, tmp_path: Path, capsys: Captured) -> None:
    """Each side chosen by itself; what differs as it must is named."""
    other = saved(tmp_path / "b.json", replace(REFRESH, records=()))
    assert main.run(["compare", wiki, other, "--which-a", "refresh", "--json"]) == 10
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is False
    assert found["verdict"]["sentence"].endswith("A got tokens; B ended before it.")
    assert found["stages"] == [
        {
            "stage": "refresh",
            "attempt": 1,
            "differences": [{"name": "stage", "a": "passed", "b": None}],
            "as_it_must": [],
        }
    ]
