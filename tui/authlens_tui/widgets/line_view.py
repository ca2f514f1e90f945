"""A scrollable view that draws its own lines."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


class LineView(ScrollView):
    """Looks its own style up once for each repaint: that takes as long as all the rest of a line."""

    base_style: Style = Style.null()  # of the view, while its lines are drawn

    def render_lines(self, crop: Region) -> list[Strip]:
        self.base_style = self.rich_style
        return super().render_lines(crop)
