"""Rows that move are the rows that were painted before, and look as Textual paints them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import pytest
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Button

from authlens_core.export.redaction import ShownBody
from authlens_tui.app.base_app import BaseApp
from authlens_tui.widgets.document.folding_view import FoldingView
from authlens_tui.widgets.document.matches import Match, Matches
from authlens_tui.widgets.record.body_view import body_lines

BODY: Final = json.dumps({f"member-{n}": [n, "RFC 8628 §3.2", None] for n in range(200)})


class Noting(FoldingView):
    """Notes which rows it painted."""

    def on_mount(self) -> None:
        self.rows: set[int] = set()

    def render_line(self, y: int) -> Strip:
        self.rows.add(self.row_at(y))
        return super().render_line(y)


class Reader(BaseApp):
    """A large answer, and something else that takes the focus."""

    def compose(self) -> ComposeResult:
        body = ShownBody(BODY, len(BODY), truncated=False)
        yield Noting(body_lines(body, "application/json"))
        yield Button("other")


@asynccontextmanager
async def reading() -> AsyncIterator[tuple[Noting, Pilot[int]]]:
    app = Reader({})
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.query_one(Noting)
        view.focus()
        await pilot.pause()
        yield view, pilot


def painted(view: FoldingView) -> list[Strip]:
    return view.render_lines(view.outer_size.region)


def painted_by_textual(view: FoldingView) -> list[Strip]:
    """Return all lines painted as if none had been painted before."""
    view.refresh()
    view.is_painting = True
    try:
        return ScrollView.render_lines(view, view.outer_size.region)
    finally:
        view.is_painting = False


def select(view: FoldingView) -> None:
    view.screen.selections = {view: Selection(Offset(2, 1), Offset(5, 4))}


def find(view: FoldingView) -> None:
    view.mark_matches(Matches([Match(3, 4, 6), Match(60, 4, 6)]))


def use_light_theme(view: FoldingView) -> None:
    view.app.theme = "textual-light"


def fade(view: FoldingView) -> None:
    view.styles.opacity = 0.5


def narrow(view: FoldingView) -> None:
    view.styles.width = 30


CHANGES: Final[tuple[Callable[[FoldingView], None], ...]] = (
    *(select, find, use_light_theme, fade, narrow),
    lambda view: view.action_fold_all(),
    lambda view: view.action_scroll_end(),
    lambda view: view.show(()),
    lambda view: view.app.query_one(Button).focus() and None,
)


@pytest.mark.parametrize("change", CHANGES)
async def test_rows_look_as_textual_paints_them_after_each_change(
    change: Callable[[FoldingView], None],
) -> None:
    async with reading() as (view, pilot):
        await pilot.press("pagedown", "down", "down")
        assert painted(view) == painted_by_textual(view)
        change(view)
        await pilot.pause()
        assert painted(view) == painted_by_textual(view)
        await pilot.press("up")
        assert painted(view) == painted_by_textual(view)


async def test_a_row_that_moves_is_not_painted_again() -> None:
    async with reading() as (view, _):
        before = painted(view)
        view.scroll_to(y=3, animate=False)
        after = painted(view)
        assert [id(row) for row in after[2:7]] == [id(row) for row in before[5:10]]


async def test_a_row_that_the_cursor_left_is_painted_without_it() -> None:
    async with reading() as (view, pilot):
        plain = painted(view)[3]
        await pilot.press("down", "down")
        marked = painted(view)[3]
        await pilot.press("down")
        assert marked != plain
        assert painted(view)[3] is plain


async def test_the_next_and_the_previous_page_are_painted_while_no_key_is_pressed() -> None:
    async with reading() as (view, pilot):
        view.scroll_to(y=100, animate=False)
        page = view.scrollable_content_region.height
        async with asyncio.timeout(30):
            while not view.rows >= set(range(100 - page, 100 + 2 * page)):
                await pilot.pause(0.01)


async def test_a_view_that_was_just_removed_can_still_be_painted() -> None:
    """Textual may draw the screen once more in the layout before."""
    async with reading() as (view, _):
        area = view.outer_size.region
        await view.remove()
        lines = view.render_lines(area)
    assert len(lines) == area.height > 0
    assert all(line.cell_length == area.width for line in lines)
