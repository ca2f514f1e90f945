"""Lines on the screen: wrapped, scrolled, selected with the mouse, quick at any length.

Only the rows in view are drawn (Textual's line API), so a megabyte costs what a page costs. A long document
is laid out in a thread; until that is done one line says so.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.document.lines import Line, LineList, Row, Tone, prose
from authlens_tui.widgets.document.matches import Match

__all__ = ["LAYING_OUT", "LinesView"]

LAYING_OUT: Final = LineList([prose("laying out …", Tone.MUTED)])
"""What stands in a document while its lines are made."""

_PREFIX: Final = "document--"
_AT_ONCE: Final = 200_000  # characters that are laid out without a thread
_LINES_AT_ONCE: Final = 20_000


class LinesView(ScrollView):
    """Draws lines. `show` replaces them all."""

    ALLOW_SELECT: ClassVar[bool] = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + tone for tone in Tone} | {
        _PREFIX + part for part in ("selection", "cursor", "match", "current-match")
    }

    def __init__(
        self,
        lines: Iterable[Line] | LineList = (),
        *,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._lines = lines if isinstance(lines, LineList) else LineList(lines)
        self._layout = Layout(LAYING_OUT, 80)
        self._ready = False
        self._matches: list[Match] = []
        self._match = -1

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def lines(self) -> LineList:
        """What is shown."""
        return self._lines

    @property
    def plain(self) -> str:
        """What is shown, as text without wrapping and with nothing folded."""
        return "\n".join(self._lines.texts)

    @property
    def layout_ready(self) -> bool:
        """True once everything stands where it belongs."""
        return self._ready

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return self._layout.height

    def line_of_row(self, row: int) -> int:
        """Return which line stands on a row."""
        return self._layout.line_of_row(row)

    def show(self, lines: Iterable[Line] | LineList, *, keep_place: bool = False) -> None:
        """Replace what is shown; scrolls to the top unless `keep_place`."""
        new = lines if isinstance(lines, LineList) else LineList(lines)
        if new == self._lines:
            return
        self._lines = new
        self._ready = False
        self._matches, self._match = [], -1
        if not keep_place:
            self.go_to_top()
        self._lay_out()
        self.refresh()

    def go_to_top(self) -> None:
        """Show the beginning."""
        self.scroll_home(animate=False)

    def label(self, title: str, subtitle: str = "") -> None:
        """Label the border."""
        self.border_title = Content(title)
        self.border_subtitle = Content(subtitle) if subtitle else None

    def on_mount(self) -> None:
        """Lay out once the width is known."""
        self._lay_out()

    def on_resize(self, _event: Resize) -> None:
        """Wrap anew when the width has changed."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Repaint when the theme has changed."""
        super().notify_style_update()
        self.refresh()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or (self._ready and width == self._layout.width):
            return
        lines = self._lines
        if len(lines) <= _LINES_AT_ONCE and sum(map(len, lines.texts)) <= _AT_ONCE:
            self._adopt(Layout(lines, width))
        else:
            if not self._ready:
                self._take(Layout(LAYING_OUT, width))
            self._lay_out_aside(lines, width)

    @work(exclusive=True, group="layout", description="lay out")
    async def _lay_out_aside(self, lines: LineList, width: int) -> None:
        layout = await asyncio.to_thread(Layout, lines, width)
        if lines is self._lines and width == self.scrollable_content_region.width:
            self._adopt(layout)

    def _adopt(self, layout: Layout) -> None:
        """Take a layout of the lines that are shown, folded as they were."""
        if self._ready:
            layout.fold(self._layout.folded)
        self._ready = True
        self._take(layout)
        self.refresh_bindings()

    def _take(self, layout: Layout) -> None:
        self._layout = layout
        self.virtual_size = Size(layout.width, layout.height)
        self.refresh()

    # -- how it is drawn -------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw row `y` of the view."""
        number = self.row_at(y)
        width = self.scrollable_content_region.width
        base = self.rich_style
        if number >= self._layout.height:
            return Strip.blank(width, base)
        row, line_number = self._layout.row(number), self._layout.line_of_row(number)
        segments = [Segment(text, base + self._style(tone)) for text, tone in row.pieces()]
        gutter = row.line.gutter
        strip = self._with_matches(Strip(segments), row, line_number)
        strip = self._selected(strip, number)
        strip = strip.crop_extend(0, width - gutter, base).apply_offsets(0, number)
        if gutter:
            sign = self.sign(line_number) if not row.continues else ""
            lead = Segment(f"{sign:<{gutter}}", base + self._style(Tone.NOTE))
            strip = Strip.join([Strip([lead]), strip])
        if self.has_focus and self.is_marked(line_number):
            strip = _over(strip, self._mark("cursor"))
        return strip

    def row_at(self, y: int) -> int:
        """Return which row of the text stands in row `y` of the view."""
        return self.scroll_offset.y + y

    def sign(self, number: int) -> str:  # noqa: ARG002
        """Return the sign in the gutter of line `number`."""
        return ""

    def is_marked(self, number: int) -> bool:  # noqa: ARG002
        """Say whether line `number` is drawn as the cursor's."""
        return False

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(_PREFIX + part, partial=True)

    def _mark(self, part: str) -> Style:
        """Return a style to lie over text, blended here: a Rich style has no transparency."""
        style = self._style(part)
        colour = self.get_component_styles(_PREFIX + part).background
        if style.bgcolor is None or colour.a == 1 or colour.ansi is not None:
            return style
        return style + Style(bgcolor=(self.background_colors[1] + colour).rich_color)

    def _with_matches(self, strip: Strip, row: Row, number: int) -> Strip:
        first = bisect_left(self._matches, number, key=lambda match: match.line)
        for place in range(first, len(self._matches)):
            match = self._matches[place]
            if match.line != number or match.start >= row.end:
                break
            if match.end > row.start:
                style = self._mark("current-match" if place == self._match else "match")
                strip = _styled(strip, row, match, style)
        return strip

    def _selected(self, strip: Strip, number: int) -> Strip:
        selection = self.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        length = strip.cell_length
        start, end = span[0], length if span[1] == -1 else span[1]
        before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, length)
        return Strip.join([before, _over(middle, self._mark("selection")), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was before wrapping."""
        if selection.start is None and selection.end is None:
            return self.plain, "\n"
        first = 0 if selection.start is None else selection.start.y
        last = self._layout.height - 1 if selection.end is None else selection.end.y
        parts: list[str] = []
        for number in range(max(0, first), min(last, self._layout.height - 1) + 1):
            row, span = self._layout.row(number), selection.get_span(number)
            if span is None:
                continue
            start, end = span
            if parts and not row.continues:
                parts.append("\n")
            begin = max(start, row.indent if row.continues else 0)
            parts.append(row.text[begin : None if end == -1 else end])
        return "".join(parts), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        """Repaint with the new selection."""
        self.refresh()


def _styled(strip: Strip, row: Row, match: Match, style: Style) -> Strip:
    """Return the row's strip with the part of `match` that stands on it styled."""
    text = row.line.text
    start = row.indent + cell_len(text[row.start : max(row.start, match.start)])
    end = row.indent + cell_len(text[row.start : min(row.end, match.end)])
    before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, strip.cell_length)
    return Strip.join([before, _over(middle, style), after])


def _over(strip: Strip, style: Style) -> Strip:
    """Return the strip with `style` over the styles that it has."""
    return Strip([Segment(text, (own or Style.null()) + style, control) for text, own, control in strip])
