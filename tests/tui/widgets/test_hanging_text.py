"""Text that hangs under its value, and what a view that draws its own lines adds to Textual's."""

from textual.app import ComposeResult
from textual.screen import Screen

from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import prose
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


class Reader(BaseApp):
    """Shows one document."""

    def compose(self) -> ComposeResult:
        yield DocumentView()


async def test_a_scrollbar_shows_where_a_view_is_that_was_scrolled_before_its_layout() -> None:
    """A diagram is scrolled to its arrow before its size is known."""
    app = Reader()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(DocumentView)
        view.show([prose(f"line {number}") for number in range(60)])
        view.scroll_to(y=20, animate=False, force=True)
        await pilot.pause()
        assert view.show_vertical_scrollbar
        assert (view.scroll_y, view.vertical_scrollbar.position) == (20, 20)


async def test_a_scrollbar_follows_though_its_place_is_beyond_a_text_that_became_shorter() -> None:
    """Until the next layout it has the place that it had in the longer one."""
    app = Reader()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(DocumentView)
        view.show([prose(f"line {number}") for number in range(60)])
        await pilot.pause()
        view.scroll_to(y=38, animate=False)
        await pilot.pause()
        view.vertical_scrollbar.window_virtual_size = 30
        view.scroll_to(y=1, animate=False)
        await pilot.pause()
        assert view.vertical_scrollbar.position == 1


async def test_a_view_that_was_just_removed_can_still_be_painted() -> None:
    """Textual may draw the screen once more in the layout before."""
    app = Reader()
    async with app.run_test(size=(80, 24)):
        view = app.query_one(DocumentView)
        area = view.outer_size.region
        await view.remove()
        lines = view.render_lines(area)
    assert len(lines) == area.height > 0
    assert all(line.cell_length == area.width for line in lines)
