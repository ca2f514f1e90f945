"""The filters of an app: the same until the theme changes, and no control sequence passes them."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import BLACK

from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.themes import HIGH_CONTRAST


async def test_the_filters_stay_the_same() -> None:
    """Textual remembers what each has returned for a line."""
    app = BaseApp({})
    async with app.run_test():
        assert app.get_line_filters() == app.get_line_filters()


async def test_a_theme_with_high_contrast_has_other_filters() -> None:
    app = BaseApp({})
    async with app.run_test():
        before = app.get_line_filters()
        app.theme = HIGH_CONTRAST.name
        assert app.get_line_filters() != before


async def test_no_control_sequence_passes() -> None:
    app = BaseApp({})
    async with app.run_test():
        segments = [Segment("a\x1b[2Jb RFC 9728 §3")]
        for line_filter in app.get_line_filters():
            segments = line_filter.apply(segments, BLACK)
        assert "\x1b" not in "".join(segment.text for segment in segments)
