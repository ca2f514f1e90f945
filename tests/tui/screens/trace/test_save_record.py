"""Saving a trace: a form, a name that is free, and a file that holds no secret and replaces nothing."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import RadioSet

from authlens_core.export.session_file import read_session
from authlens_core.trace.record import Trace
from authlens_tui.screens.trace.save_record import ExportScreen
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.record import reading_area
from support.driven_login import leaks
from support.hostile_trace import CANARY, hostile_trace
from support.screens import press, run_screen, text_of, until

NAME = "wiki.example.com-login-20261124"


def trace() -> Trace:
    """Return a trace full of secrets, of a login to a wiki."""
    return replace(
        hostile_trace(),
        resource_url="https://wiki.example.com/",
        started_at=datetime(2026, 11, 24, tzinfo=UTC),
    )


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_enter_saves_a_session_file_and_says_where(tmp_path: Path, size: tuple[int, int]) -> None:
    """For its owner alone, without a secret, opened again as it was."""
    screen = ExportScreen(trace())
    path = tmp_path / f"{NAME}.authlens.json"
    async with run_screen(screen, size=size) as (app, pilot):
        assert "replaced by a fingerprint" in text_of(app)
        await press(pilot, "enter", then="Written to")
        assert path.name in text_of(app).replace("\n", "").replace("│", "").replace(" ", "")
    assert read_session(path.read_bytes()).resource_url == "https://wiki.example.com/"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert leaks(path.read_text(), CANARY) == []


async def test_the_name_follows_the_form_until_it_is_changed(tmp_path: Path) -> None:
    """A name that the person typed stays theirs."""
    screen = ExportScreen(trace())
    async with run_screen(screen) as (_, pilot):
        screen.query_one(RadioSet).focus()
        await press(pilot, "down", "space", then=lambda: screen.name_field.value == f"{NAME}.har")
        screen.name_field.value = str(tmp_path / "mine")
        await pilot.press("down", "space")
        await pilot.pause()
        assert screen.name_field.value == str(tmp_path / "mine")
        screen.name_field.focus()
        await press(pilot, "enter", then=(tmp_path / "mine").exists)
    assert (tmp_path / "mine").read_text().startswith("#!/usr/bin/env bash")


async def test_a_name_that_is_free_is_offered(tmp_path: Path) -> None:
    """The second file of a day has a number."""
    (tmp_path / f"{NAME}.authlens.json").write_text("mine")
    screen = ExportScreen(trace())
    async with run_screen(screen):
        assert screen.name_field.value == f"{NAME}-2.authlens.json"


async def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    """The person is asked for another name."""
    (tmp_path / "mine").write_text("mine")
    screen = ExportScreen(trace())
    async with run_screen(screen) as (_, pilot):
        screen.name_field.value = str(tmp_path / "mine")
        await pilot.press("enter")
        await until(pilot, lambda: "Choose another name" in str(screen.query_one("#hint", Static).content))
    assert (tmp_path / "mine").read_text() == "mine"


async def test_home_is_understood_and_a_bad_place_is_said(private_environment: Path) -> None:
    """`~`, as a person types it."""
    screen = ExportScreen(trace())
    async with run_screen(screen) as (_, pilot):
        screen.name_field.value = "~/no/such"
        await pilot.press("enter")
        await until(pilot, lambda: "cannot be written" in str(screen.query_one("#hint", Static).content))
        screen.name_field.value = "~/saved.json"
        await pilot.press("enter")
        await until(pilot, lambda: "Written to" in str(screen.query_one("#hint", Static).content))
    assert (private_environment / "saved.json").exists()


async def test_the_pager_gets_the_open_tab_of_the_screen_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def note(_app: object, text: str, _environ: object) -> None:
        read.append(text)

    monkeypatch.setattr(reading_area, "read_outside", note)
    screen = TraceScreen(trace())
    async with run_screen(screen) as (app, pilot):
        await press(pilot, "m", then=ExportScreen)
        await pilot.click("#pager")
        await until(pilot, lambda: bool(read))
        assert app.screen is screen
        assert read == [await screen.record_view.copied_text()]
    assert leaks(read[0], CANARY) == []
    assert list(tmp_path.iterdir()) == []


async def test_there_is_no_pager_where_no_record_is_shown() -> None:
    screen = ExportScreen(trace())
    async with run_screen(screen):
        assert not screen.query("#pager")
