"""What a view that draws its own lines adds to Textual's."""

from __future__ import annotations

from textual.app import ComposeResult

from authlens_tui.app.base_app import BaseApp
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.lines import prose


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
