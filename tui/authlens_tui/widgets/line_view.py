"""A scrollable view that draws its own lines."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cached_property
from math import ceil

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from authlens_tui.widgets.painted_rows import PaintedRows


class LineView(ScrollView):
    """Looks up once for each repaint what all of its lines need: that takes as long as the rest of a line.

    Attributes:
        is_painting: false where a line is made to tell which character is under the mouse.
    """

    base_style: Style = Style.null()
    line_width = top = 0
    text_selected: Selection | None = None
    is_painting = False

    @cached_property
    def parts(self) -> PartStyles:
        return PartStyles(self)

    @cached_property
    def painted(self) -> PaintedRows:
        return PaintedRows(self, self.painted_from, self._painting)

    def painted_from(self, y: int) -> Hashable | None:  # noqa: ARG002
        """Return all that row `y` of the view is painted from; None if it has to be painted each time."""
        return None

    def render_lines(self, crop: Region) -> list[Strip]:
        with self._painting() as width:
            return self.painted.lines(crop, width, super().render_lines)

    @contextmanager
    def _painting(self) -> Iterator[int]:
        """Look up what all lines need; yield the cells of a line."""
        self.base_style, self.line_width = self.rich_style, self.scrollable_content_region.width
        self.top = self.scroll_offset.y
        # A view that was just removed may still be painted, and then has no screen.
        self.text_selected = self.text_selection if self.is_attached else None
        if self.parts.renew(self.base_style, next(iter(self._component_styles.values()), None)):
            self.painted.forget()
        self.is_painting = True
        try:
            yield self.line_width
        finally:
            self.is_painting = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            _move_thumb(self.vertical_scrollbar, new_value)
        super().watch_scroll_y(old_value, new_value)

    def watch_show_vertical_scrollbar(self) -> None:
        """Let a scrollbar begin where the view is: it may have been scrolled before there was one."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y


class PartStyles:
    """The styles of a widget's components; Textual itself makes them again after each repaint."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._found: dict[tuple[str, bool], Style] = {}
        self._made_from: tuple[Style | None, object] = (None, None)

    def renew(self, base: Style, made: object) -> bool:
        """Forget the styles if they may have changed, and return whether that is so.

        Args:
            base: the style of the widget itself.
            made: what Textual makes again with the styles of all components.
        """
        if made is self._made_from[1] and base == self._made_from[0]:
            return False
        self._made_from = base, made
        self._found.clear()
        return True

    def style(self, name: str, *, partial: bool = False) -> Style:
        found = self._found.get((name, partial))
        if found is None:
            found = self._widget.get_component_rich_style(name, partial=partial)
            self._found[name, partial] = found
        return found


def _move_thumb(bar: ScrollBar, position: float) -> None:
    """Draw the rows of a scrollbar that change: Textual draws all, which takes as long as half a page."""
    before = _bar_rows(bar)
    bar.set_reactive(ScrollBar.position, bar.validate_position(position))
    changed = [y for y, rows in enumerate(zip(before, _bar_rows(bar), strict=True)) if rows[0] != rows[1]]
    if changed:
        bar.refresh(Region(0, changed[0], bar.size.width, changed[-1] - changed[0] + 1))


def _bar_rows(bar: ScrollBar) -> list[Segment]:
    rows = bar.renderer.render_bar(
        bar.size.height, ceil(bar.window_virtual_size), ceil(bar.window_size), bar.position
    )
    # Where the position is beyond the end, as before the layout of a shorter text, Textual makes more rows.
    return list(rows.segments)[: bar.size.height]
