"""A scrollable view that draws its own lines."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


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
