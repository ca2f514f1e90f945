"""A scrollable view that draws its own lines, and a scrolled text whose border says that more follows."""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.containers import VerticalScroll
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

READS_ON: Final = "PgDn: more"


class LineView(ScrollView):
    """Draws only the rows in view, in styles that are looked up once for all of them.

    Attributes:
        base_style: the style of the view itself, for `render_line`.
        is_painting: false where a line is made to tell which character is under the mouse.
    """

    base_style = Style.null()
    is_painting = False

    def render_lines(self, crop: Region) -> list[Strip]:
        if not self.is_attached:
            # Textual may still paint a view that was just removed and has no styles.
            return [Strip.blank(crop.width)] * crop.height
        # It is blended from those of all containers, which takes as long as the rest of a line.
        self.base_style = self.rich_style
        self.is_painting = True
        try:
            return super().render_lines(crop)
        finally:
            self.is_painting = False

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()

    def watch_show_vertical_scrollbar(self) -> None:
        """Let a scrollbar begin where the view is: it may have been scrolled before there was one."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y


class ReadingScroll(VerticalScroll):
    """Scrolls what it contains, and says in its border while there is more below."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._show_what_follows()

    def watch_virtual_size(self, virtual_size: Size) -> None:  # noqa: ARG002
        self._show_what_follows()

    def on_resize(self) -> None:
        self._show_what_follows()

    def _show_what_follows(self) -> None:
        is_cut = self.scroll_offset.y < self.max_scroll_y
        self.border_subtitle = READS_ON if is_cut else None
