"""A document to read: lines that wrap, scroll, fold, can be searched and selected, quick at any size.

It draws only the rows in view (Textual's line API), so a megabyte costs what a page costs. A long document is
laid out in a thread; until that is done one line says so.
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
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from authlens_core.safe_text import safe_line
from authlens_tui.widgets.layout import Layout
from authlens_tui.widgets.lines import Line, LineList, Row, Tone, prose
from authlens_tui.widgets.search import Match, find

__all__ = ["LAYING_OUT", "DocumentView"]

LAYING_OUT: Final = LineList([prose("laying out …", Tone.MUTED)])
"""What stands in a document while its lines are made."""

_PREFIX: Final = "document--"
_AT_ONCE: Final = 200_000  # characters that are laid out without a thread
_LINES_AT_ONCE: Final = 20_000


class DocumentView(ScrollView, can_focus=True):
    """Shows lines. `show` replaces them all.

    Where there is JSON, one line is the cursor's: the arrow keys move it, Enter folds there.
    """

    HELP = (
        "Scroll with the arrow keys, page up and page down. Enter folds what begins on the marked line, "
        "f folds everything. Select with the mouse; ctrl+c copies."
    )
    ALLOW_SELECT: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,space",
            "fold",
            "Fold",
            key_display="⏎",
            id="document.fold",
            tooltip="Fold or unfold the object or array of the marked line",
        ),
        Binding("f", "fold_all", "Fold all", id="document.fold_all", tooltip="Fold or unfold every member"),
        Binding("left", "close", "Fold, or up to what holds it", id="document.close", show=False),
        Binding("right", "open", "Unfold", id="document.open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {_PREFIX + tone for tone in Tone} | {
        _PREFIX + part for part in ("selection", "cursor", "match", "current-match")
    }
    DEFAULT_CSS = """
    DocumentView {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        background: $surface;
        color: $foreground;
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0 1;

        &:focus { border: round $primary; border-title-color: $text-primary; }
        & > .document--title { color: $text-primary; text-style: bold; }
        & > .document--name { color: $text-primary; }
        & > .document--muted { color: $quiet; }
        & > .document--good { color: $text-success; }
        & > .document--note { color: $text-accent; }
        & > .document--warning { color: $text-warning; }
        & > .document--bad { color: $text-error; text-style: bold; }
        & > .document--secret { color: $text-accent; text-style: italic; }
        & > .document--key { color: $text-primary; }
        & > .document--string { color: $text-success; }
        & > .document--number { color: $text-accent; }
        & > .document--selection { background: $primary 40%; }
        & > .document--cursor { background: $primary 20%; }
        & > .document--match { background: $warning 40%; }
        & > .document--current-match { text-style: reverse bold; }
    }
    """

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
        self._cursor = 0
        self._matches: list[Match] = []
        self._match = -1
        self._words = ""

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
            self._cursor = 0
            self.scroll_home(animate=False)
        self._lay_out()
        self.refresh()

    def label(self, title: str, subtitle: str = "") -> None:
        """Put words of ours, or cleaned ones, into the border."""
        self.border_title = Content(safe_line(title, 200))
        self.border_subtitle = Content(safe_line(subtitle, 200)) if subtitle else None

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
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        base = self.rich_style
        if number >= self._layout.height:
            return Strip.blank(width, base)
        row, line_number = self._layout.row(number), self._layout.line_of_row(number)
        segments = [Segment(text, base + self._style(tone)) for text, tone in row.pieces()]
        gutter = row.line.gutter
        strip = self._with_matches(Strip(segments), row, line_number)
        strip = self._selected(strip, number, base)
        strip = strip.crop_extend(0, width - gutter, base).apply_offsets(0, number)
        if gutter:
            sign = self.sign(line_number) if not row.continues else ""
            lead = Segment(f"{sign:<{gutter}}", base + self._style(Tone.NOTE))
            strip = Strip.join([Strip([lead]), strip])
        if self.has_focus and self.is_marked(line_number):
            cursor = self._style("cursor")
            strip = _over(strip, Style(bgcolor=cursor.bgcolor))
        return strip

    def sign(self, number: int) -> str:
        """Return the sign in the gutter of line `number`."""
        if not self._layout.can_fold(number):
            return ""
        return "▸" if number in self._layout.folded else "▾"

    def is_marked(self, number: int) -> bool:
        """Say whether line `number` is the cursor's."""
        return self.has_cursor and number == self._cursor

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(_PREFIX + part, partial=True)

    def _with_matches(self, strip: Strip, row: Row, number: int) -> Strip:
        first = bisect_left(self._matches, number, key=lambda match: match.line)
        for place in range(first, len(self._matches)):
            match = self._matches[place]
            if match.line != number or match.start >= row.end:
                break
            if match.end > row.start:
                style = self._style("current-match" if place == self._match else "match")
                strip = _styled(strip, row, match, style)
        return strip

    def _selected(self, strip: Strip, number: int, base: Style) -> Strip:
        selection = self.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        length = strip.cell_length
        start, end = span[0], length if span[1] == -1 else span[1]
        marked = base + self._style("selection")
        before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, length)
        return Strip.join([before, _over(middle, Style(bgcolor=marked.bgcolor)), after])

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

    # -- the cursor ------------------------------------------------------------------------------------

    @property
    def has_cursor(self) -> bool:
        """True where a line can be marked, because something can be done there."""
        return self._layout.foldable

    def action_scroll_up(self) -> None:
        """Move the cursor one line up, or the view where there is no cursor."""
        self._move(-1)

    def action_scroll_down(self) -> None:
        """Move the cursor one line down, or the view where there is no cursor."""
        self._move(1)

    def action_page_up(self) -> None:
        """Turn one page back."""
        self._turn(-1)

    def action_page_down(self) -> None:
        """Turn one page on."""
        self._turn(1)

    def action_scroll_home(self) -> None:
        """Go to the first line."""
        self._cursor = 0
        self.scroll_home(animate=False)
        self._cursor_moved()

    def action_scroll_end(self) -> None:
        """Go to the last line."""
        self._cursor = self._layout.line_of_row(self._layout.height)
        self.scroll_end(animate=False)
        self._cursor_moved()

    def next_cursor(self, by: int) -> int:
        """Return the line that the cursor moves to from where it is."""
        return self._layout.step(self._cursor, by)

    def _move(self, by: int) -> None:
        if not self.has_cursor or not self._layout.height:
            self.scroll_to(y=self.scroll_offset.y + by, animate=False)
            return
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        rows = self._layout.rows_of_line(self._cursor)
        if rows.stop <= top or rows.start >= top + height:
            self._cursor = self._layout.line_of_row(top if by > 0 else top + height - 1)
        elif (by > 0 and rows.stop > top + height) or (by < 0 and rows.start < top):
            self.scroll_to(y=top + by, animate=False)  # a line that is longer than the view
        else:
            self._cursor = self.next_cursor(by)
            self._bring_into_view(self._layout.rows_of_line(self._cursor))
        self._cursor_moved()

    def _turn(self, by: int) -> None:
        height = max(1, self.scrollable_content_region.height - 1)
        top = max(0, min(self.scroll_offset.y + by * height, self._layout.height - 1))
        self.scroll_to(y=top, animate=False)
        if self.has_cursor:
            self._cursor = self._layout.line_of_row(
                top if by < 0 else min(top + height, self._layout.height - 1)
            )
            self._cursor_moved()

    def _bring_into_view(self, rows: range) -> None:
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if rows.start < top or len(rows) > height:
            self.scroll_to(y=rows.start, animate=False)
        elif rows.stop > top + height:
            self.scroll_to(y=rows.stop - height, animate=False)

    def _cursor_moved(self) -> None:
        self.refresh()
        self.refresh_bindings()

    def on_focus(self) -> None:
        """Mark a line that is in view."""
        if self.has_cursor and self._layout.height:
            top, height = self.scroll_offset.y, self.scrollable_content_region.height
            rows = self._layout.rows_of_line(self._cursor)
            if rows.stop <= top or rows.start >= top + height:
                self._cursor = self._layout.line_of_row(top)
        self._cursor_moved()

    def on_blur(self) -> None:
        """Mark no line."""
        self.refresh()

    # -- folding ---------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer to fold only where there is something to fold."""
        if action in ("fold", "open"):
            return self._layout.can_fold(self._cursor)
        if action in ("fold_all", "close"):
            return self._layout.foldable
        return True

    def action_fold(self) -> None:
        """Fold or unfold what begins on the cursor's line."""
        self._toggle(self._cursor)

    def action_open(self) -> None:
        """Unfold what begins on the cursor's line."""
        if self._cursor in self._layout.folded:
            self._toggle(self._cursor)

    def action_close(self) -> None:
        """Fold what begins on the cursor's line, or go to the line that begins what the line stands in."""
        if self._layout.can_fold(self._cursor) and self._cursor not in self._layout.folded:
            self._toggle(self._cursor)
            return
        around = self._layout.enclosing(self._cursor)
        if around is not None:
            self._cursor = around
            self._bring_into_view(self._layout.rows_of_line(around))
            self._cursor_moved()

    def action_fold_all(self) -> None:
        """Fold every member of the outermost object or array, or unfold everything."""
        self._layout.toggle_all()
        self._folds_changed()

    def _toggle(self, number: int) -> None:
        if self._layout.toggle(number):
            self._folds_changed()

    def _folds_changed(self) -> None:
        self._take(self._layout)
        rows = self._layout.rows_of_line(self._cursor)
        self._cursor = self._layout.line_of_row(rows.start)
        self._bring_into_view(range(rows.start, rows.start + 1))
        self._cursor_moved()

    def on_click(self, event: Click) -> None:
        """Fold or unfold where the sign before a line was clicked; mark the line that was."""
        offset = event.get_content_offset(self)
        number = self.scroll_offset.y + offset.y if offset is not None else self._layout.height
        if offset is None or number >= self._layout.height:
            return
        row = self._layout.row(number)
        self._cursor = self._layout.line_of_row(number)
        if offset.x < row.line.gutter and not row.continues:
            self._toggle(self._cursor)
        self._cursor_moved()

    # -- searching -------------------------------------------------------------------------------------

    async def search(self, words: str) -> tuple[int, int]:
        """Mark where `words` stand, and go to the first place from here on.

        Returns:
            which match is shown, counted from 1, and how many there are.
        """
        lines = self._lines
        here = self._layout.line_of_row(self.scroll_offset.y)
        found = await find(lines.texts, words)
        if lines is not self._lines:
            return 0, 0
        self._matches, self._match = found, -1
        if found:
            first = bisect_left(found, here, key=lambda match: match.line)
            return self._go_to(first % len(found))
        self.refresh()
        return 0, 0

    def turn_match(self, by: int) -> tuple[int, int]:
        """Go to the next match, or the one before, round and round; returns as `search` does."""
        if not self._matches:
            return 0, 0
        return self._go_to((self._match + by) % len(self._matches))

    def _go_to(self, place: int) -> tuple[int, int]:
        match = self._matches[place]
        self._match = place
        folded = self._layout.folded
        self._layout.reveal(match.line)
        if folded != self._layout.folded:
            self._take(self._layout)
        self._cursor = match.line
        row = self._layout.row_of_character(match.line, match.start)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= row < top + height:
            self.scroll_to(y=max(0, row - height // 3), animate=False)
        self._cursor_moved()
        return place + 1, len(self._matches)

    def forget_matches(self) -> None:
        """Mark no matches any more."""
        self._matches, self._match = [], -1
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
