"""How to leave is on the screen when ctrl+c is pressed: one answer, whatever is on top and has the focus."""

import asyncio
import time
from typing import Any

import pytest
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input
from textual.widgets._toast import Toast

from authlens_tui.screens.help import HelpScreen
from authlens_tui.terminal import leaving
from support.screens import Host, press, run_screen, text_of, until
from tui.screens.test_snapshots import STATES, dashboard

ANYWHERE = "Press ctrl+c again, or ctrl+q, to quit."


@pytest.fixture(autouse=True)
def answers_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_TWICE_WITHIN", 30.0)


async def answer(app: Host, pilot: Pilot[int]) -> str:
    """Press ctrl+c; return what is told, on one row."""
    app.clear_notifications()
    await press(pilot, "ctrl+c", then=lambda: bool(app._notifications))
    [told] = app._notifications
    return told.message


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=str)
async def test_ctrl_c_on_the_dashboard_says_how_to_quit(size: tuple[int, int]) -> None:
    """Nothing runs there that it could stop."""
    app = Host()
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await dashboard(states=True)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.listing.matching) == STATES)
        await press(pilot, "ctrl+c", then="ctrl+c again, or q, to quit")


async def test_a_field_that_takes_the_letter_leaves_another_key() -> None:
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        await until(pilot, lambda: bool(app.screen.query("#filter")))
        await pilot.press("slash")
        assert isinstance(app.focused, Input)
        assert await answer(app, pilot) == ANYWHERE


async def test_in_a_dialog_the_key_that_goes_back_is_named_too() -> None:
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        await press(pilot, "question_mark", then=HelpScreen)
        assert await answer(app, pilot) == f"Press esc to go back. {ANYWHERE}"
        await until(pilot, lambda: "Press esc to go back." in text_of(app))


async def test_a_toast_can_be_seen_over_the_palette() -> None:
    """Its list is drawn over everything else."""
    async with run_screen(await dashboard(states=True), notifications=True, size=(80, 18)) as (app, pilot):
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette) and "New   " in text_of(app))
        assert await answer(app, pilot) == f"Press esc to go back. {ANYWHERE}"
        await until(pilot, lambda: "Press esc to go back." in text_of(app))


async def test_keys_are_named_as_the_user_has_set_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        app.set_keymap({"app.quit": "f10", "help.close": "f2"})
        assert await answer(app, pilot) == "Press ctrl+c again, or f10, to quit."
        await press(pilot, "question_mark", then=HelpScreen)
        monkeypatch.setattr(leaving, "time", Clock(time.monotonic() + 60))
        assert await answer(app, pilot) == f"Press f2 to go back. {ANYWHERE}"


async def test_what_is_selected_in_a_field_is_copied_and_the_keys_are_named() -> None:
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        await until(pilot, lambda: bool(app.screen.query("#filter")))
        await pilot.press("slash", *"wiki", "shift+home")
        assert await answer(app, pilot) == "Copied. Press ctrl+q to quit."
        assert app.copied == [("The selection", "wiki")]


async def test_the_answer_outlasts_toasts_that_are_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a login that ctrl+c has stopped clears them; later they are cleared as before."""
    now = time.monotonic()
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        monkeypatch.setattr(leaving, "time", Clock(now))
        told = await answer(app, pilot)
        app.clear_notifications()
        await pilot.pause()
        assert [one.message for one in app._notifications] == [told]
        monkeypatch.setattr(leaving, "time", Clock(now + 60))
        app.clear_notifications()
        await pilot.pause()
        assert list(app._notifications) == []


@pytest.mark.parametrize("dialog", [False, True])
async def test_a_toast_that_goes_is_painted_over_although_the_map_of_widgets_is_newer(
    monkeypatch: pytest.MonkeyPatch, dialog: bool
) -> None:
    """A lookup between the end of the toast and the layout makes Textual's map anew, without the toast."""
    async with run_screen(await dashboard(states=True), notifications=True) as (app, pilot):
        if dialog:
            await press(pilot, "question_mark", then=HelpScreen)
        await answer(app, pilot)
        await until(pilot, lambda: "Press ctrl+c again" in text_of(app))
        [toast] = app.screen.query(Toast)
        rows, painted = set(toast.region.line_range), Painted(app, monkeypatch)
        toast._expire()
        while toast in app.screen.query(Toast):
            await asyncio.sleep(0)
        app.screen._compositor._full_map_invalidated = True
        assert toast not in app.screen._compositor.full_map
        await until(pilot, lambda: rows <= painted.rows)


class Painted:
    """The rows that were painted since."""

    def __init__(self, app: Host, patch: pytest.MonkeyPatch) -> None:
        self.rows: set[int] = set()
        self._display = app._display
        patch.setattr(app, "_display", self._note)

    def _note(self, screen: Screen[Any], update: Any) -> None:
        if isinstance(update, ChopsUpdate):
            self.rows |= {y for y, _, _ in update.spans}
        elif isinstance(update, LayoutUpdate):
            self.rows |= set(update.region.line_range)
        self._display(screen, update)


class Clock:
    """A clock that stands still."""

    def __init__(self, now: float) -> None:
        self._now = now

    def monotonic(self) -> float:
        return self._now
