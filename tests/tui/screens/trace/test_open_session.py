"""The file picker: what a typed name may mean, and a session file that is opened by keys alone."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, OptionList

from authlens_core.credentials.records.traces import Traces
from authlens_core.export.session_file import session_json
from authlens_tui.screens.trace.comparison import CompareScreen
from authlens_tui.screens.trace.open_session import (
    NamedTrace,
    OpenSessionScreen,
    StoredTraces,
    completions,
)
from authlens_tui.screens.trace.trace import TraceScreen
from support.open_databases import owned
from support.screens import Host, press, run_screen, text_of, until
from tui.screens.trace.test_trace import login_trace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a directory with two session files, another file, and directories."""
    for age, name in enumerate(("new.authlens.json", "old.authlens.json", "notes.txt", ".hidden.json")):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "logins").mkdir()
    (tmp_path / "logins" / "a.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(typed: str) -> list[str]:
    return list(completions(typed))


@pytest.mark.usefixtures("folder")
def test_session_files_come_newest_first_and_then_directories() -> None:
    """No other files, and nothing hidden."""
    assert names("") == ["new.authlens.json", "old.authlens.json", "logins/", "../"]


@pytest.mark.usefixtures("folder")
def test_what_is_typed_narrows_the_list() -> None:
    assert names("ol") == ["old.authlens.json"]
    assert completions("log") == ("logins/",)
    assert names("logins/") == ["logins/a.json", "logins/../"]
    assert names(".h") == [".hidden.json"]


def test_a_home_directory_is_found_and_its_name_stays_as_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/new") == ["~/new.authlens.json"]


def test_a_directory_that_cannot_be_read_offers_nothing(folder: Path) -> None:
    assert names(f"{folder}/none/") == []
    assert names("~nobody-of-this-name/x") == []
    assert names("\0/") == []


def test_a_name_that_could_steer_a_terminal_is_not_offered(folder: Path) -> None:
    (folder / "a\x1b[31m.json").write_text("{}")
    assert not [name for name in names("") if "\x1b" in name]


async def test_the_stored_logins_of_every_credential_are_offered_with_their_names() -> None:
    trace = await login_trace()
    traces = owned(Traces(None, lambda: {"a", "b"}))
    assert traces.keep("a", replace(trace, trace_id="first"))
    assert traces.keep("b", replace(trace, trace_id="second"))
    others = (("a", "https://a.example/"), ("b", "https://wiki.example/mcp"))
    named = StoredTraces(traces, "a", others=others).entries()
    assert [summary.trace_id for summary, _ in named] == ["first", "second"]
    assert [name.endswith("  wiki.example/mcp") for _, name in named] == [False, True]


async def test_a_file_in_a_directory_is_opened_by_keys_alone(folder: Path) -> None:
    """Down to the list, Enter into the directory, Enter on the file."""
    (folder / "logins" / "a.json").write_text(session_json(await login_trace()))
    opened: list[NamedTrace | None] = []
    app = Host()
    async with app.run_test() as pilot:
        app.push_screen(OpenSessionScreen(), opened.append)
        await until(pilot, lambda: "logins/" in text_of(app))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: app.screen.query_one("#file", Input).value == "logins/")
        files = app.screen.query_one("#files", OptionList)
        await until(pilot, lambda: files.option_count == 2 and files.highlighted == 0)
        await press(pilot, "enter", then=lambda: bool(opened))
        assert opened[0] is not None
        assert opened[0].name == "a.json"


async def test_the_beginning_of_a_name_and_enter_open_the_only_file_it_can_mean(folder: Path) -> None:
    (folder / "old.authlens.json").write_text(session_json(await login_trace()))
    opened: list[NamedTrace | None] = []
    app = Host()
    async with app.run_test() as pilot:
        app.push_screen(OpenSessionScreen(without_file="new.authlens.json"), opened.append)
        await until(pilot, lambda: "old.authlens.json" in text_of(app))
        assert "new.authlens.json" not in text_of(app)
        await press(pilot, *"ol", "enter", then=lambda: bool(opened))
        assert opened[0] is not None
        assert opened[0].name == "old.authlens.json"


async def test_a_trace_is_compared_with_a_file_from_the_list(folder: Path) -> None:
    """The newest is the first."""
    trace = await login_trace()
    (folder / "new.authlens.json").write_text(session_json(trace))
    async with run_screen(TraceScreen(trace)) as (_, pilot):
        await press(pilot, "equals_sign", then="new.authlens.json")
        await press(pilot, "down", "enter", then=CompareScreen)
