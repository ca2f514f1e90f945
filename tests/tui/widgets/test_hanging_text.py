"""Text that hangs under its value."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import HangingText, Item
from support.screens import run_screen, text_of


class Shown(Screen[None]):
    """One text on a screen of its own."""

    def compose(self) -> ComposeResult:
        yield HangingText(id="text")


async def test_what_does_not_fit_goes_on_under_the_value() -> None:
    """The name stays alone in its column."""
    screen = Shown()
    async with run_screen(screen, size=(30, 10)) as (app, pilot):
        screen.query_one(HangingText).show([Item(Content("one two three four five"), Content("Name"), 14)])
        await pilot.pause()
        rows = [row.rstrip() for row in text_of(app).splitlines() if row.strip()]
        assert rows == ["Name          one two three", "              four five"]
        assert screen.query_one(HangingText).size.height == 2


async def test_where_there_is_no_room_to_hang_it_starts_at_the_edge() -> None:
    """A value of two letters a line could not be read."""
    screen = Shown()
    async with run_screen(screen, size=(20, 10)) as (app, pilot):
        screen.query_one(HangingText).show([Item(Content("one two three"), Content("Name"), 14)])
        await pilot.pause()
        assert [row.rstrip() for row in text_of(app).splitlines() if row.strip()] == ["Name one two three"]


async def test_a_hidden_text_is_replaced_without_a_width_and_measured_when_it_is_shown() -> None:
    """H300: a terminal of few rows hides the detail of the dashboard, which changes each second."""
    screen = Shown()
    async with run_screen(screen, size=(30, 10)) as (app, pilot):
        text = screen.query_one(HangingText)
        for value in ("one", "one two", "one two three four five"):
            text.show([Item(Content(value), Content("Name"), 14)])
            await pilot.pause()
            text.display = False  # after it was laid out for a width
            await pilot.pause()
        text.display = True
        await pilot.pause()
        rows = [row.rstrip() for row in text_of(app).splitlines() if row.strip()]
        assert rows == ["Name          one two three", "              four five"]
