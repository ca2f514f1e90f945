"""What is painted goes through one filter that does the work of all."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import BLACK

from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.themes import HIGH_CONTRAST


async def test_a_line_is_copied_for_one_filter_that_stays_the_same() -> None:
    app = BaseApp({})
    async with app.run_test():
        first = app.get_line_filters()
        assert len(first) == 1
        assert app.get_line_filters() == first


async def test_another_theme_has_another_filter() -> None:
    app = BaseApp({})
    async with app.run_test():
        before = app.get_line_filters()
        app.theme = HIGH_CONTRAST.name
        assert app.get_line_filters() != before


async def test_the_one_filter_does_what_each_does_in_turn() -> None:
    app = BaseApp({})
    async with app.run_test():
        segments = one_by_one = [Segment("a\x1b[2Jb RFC 9728 §3")]
        for each in app.each_line_filter():
            one_by_one = each.apply(one_by_one, BLACK)
        (together,) = app.get_line_filters()
        assert together.apply(segments, BLACK) == one_by_one
        assert "\x1b" not in "".join(one.text for one in one_by_one)
