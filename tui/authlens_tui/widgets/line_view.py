"""A scrollable view that draws its own lines."""

from __future__ import annotations

from math import ceil

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip


class LineView(ScrollView):
    """Looks up once for each repaint what all of its lines need: that takes as long as the rest of a line."""

    is_painting = False
    """False where a line is made for another purpose, such as to tell which character is under the mouse."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self.base_style: Style = Style.null()
        """The style of the view, while its lines are painted."""
        self._parts: dict[tuple[str, bool], Style] = {}
        self._parts_of: object = None

    def render_lines(self, crop: Region) -> list[Strip]:
        self.begin_painting()
        self.is_painting = True
        try:
            return super().render_lines(crop)
        finally:
            self.is_painting = False

    def begin_painting(self) -> None:
        """Look up what is the same for all lines of this repaint."""
        before, self.base_style = self.base_style, self.rich_style
        # Textual makes the styles of all components again when the sheet, the theme or the focus changes.
        made = next(iter(self._component_styles.values()), None)
        if made is not self._parts_of or before != self.base_style:
            self._parts_of = made
            self._parts.clear()

    def part_style(self, name: str, *, partial: bool = False) -> Style:
        """Return the style of a component. Textual looks them up again after each repaint."""
        found = self._parts.get((name, partial))
        if found is None:
            found = self._parts[name, partial] = self.get_component_rich_style(name, partial=partial)
        return found

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            _move_thumb(self.vertical_scrollbar, new_value)
        super().watch_scroll_y(old_value, new_value)


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
    return list(rows.segments)
