"""A document to read: wrapped, scrolled, searched, selected with the mouse, quick at any length.

Only the rows in view are drawn (Textual's line API), so a megabyte costs what a page costs. A long document
is laid out in a thread; until that is done one line says so. Textual's `TextArea(read_only=True)` misses the
budget of 30 ms for a key: to turn a page of 1.3 MB takes it 230 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.events import Click, Resize
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style as VisualStyle

from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.document.lines import Line, LineList, Row, Tone, prose
from authlens_tui.widgets.document.matches import Match, Matches
from authlens_tui.widgets.key_binding import default_css
from authlens_tui.widgets.scrolled_views import READS_ON, LineView

# What a document shows while its lines are made.
LAYING_OUT: Final = LineList([prose("laying out …", Tone.MUTED)])

_AT_ONCE: Final = 200_000  # characters that are laid out without a thread
_LINES_AT_ONCE: Final = 20_000
_PREFIX: Final = "document--"


class DocumentView(LineView, can_focus=True):
    """Shows lines. `show` replaces them all. A subclass defines the lines that a cursor can mark."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        _PREFIX + name for name in ("selection", "cursor", "match", "current-match")
    }
    DEFAULT_CSS = default_css(__file__)

    def __init__(
        self,
        lines: Iterable[Line] | LineList = (),
        *,
        id: str | None = None,  # noqa: A002 - the name Textual gives it
    ) -> None:
        super().__init__(id=id)
        self.lines = lines if isinstance(lines, LineList) else LineList(lines)
        self.rows = Layout(LAYING_OUT, 80)
        """The current layout of the lines, wrapped and folded."""
        self.layout_ready = False
        """True once every line is in its row."""
        self._subtitle = self._below = ""
        self.cursor = LineCursor(self)
        self._painter = RowPainter(self)
        self.matches = Matches()
        self.turns_pages = True
        """True if PgDn scrolls this document, so that the border may name the key."""

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def plain(self) -> str:
        """The whole text, neither wrapped nor folded."""
        return "\n".join(self.lines.texts)

    def show(self, lines: Iterable[Line] | LineList, *, keep_place: bool = False) -> None:
        """Replace what is shown; scrolls to the top unless `keep_place`."""
        new = lines if isinstance(lines, LineList) else LineList(lines)
        # Shown again at each answer of a login: the place where you read must not move when nothing changed.
        if new == self.lines:
            return
        self.lines = new
        self.layout_ready = False
        self.matches = Matches()
        if not keep_place:
            self._go_to_top()
        self._lay_out()
        self.refresh()

    def label(self, title: str, subtitle: str = "") -> None:
        """Label the border; the lower label also says whether more follows."""
        self.border_title = Content(title)
        self._subtitle = subtitle
        self._show_what_follows()

    def _show_what_follows(self) -> None:
        below = self.rows.height - self.cursor.in_view.stop
        more = READS_ON if self.turns_pages and self.layout_ready and below > 0 else ""
        subtitle = " · ".join(filter(None, (self._subtitle, more)))
        if subtitle != self._below:
            self._below = subtitle
            self.border_subtitle = Content(subtitle) if subtitle else None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._show_what_follows()

    def on_resize(self, _event: Resize) -> None:
        self._lay_out()
        # The text may have been laid out for a view of another height: with this one it may just fit.
        self._scroll_update(self.virtual_size)
        self._show_what_follows()  # another height shows more or less of the same rows

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if width <= 0 or (self.layout_ready and width == self.rows.width):
            return
        lines = self.lines
        if len(lines) <= _LINES_AT_ONCE and sum(map(len, lines.texts)) <= _AT_ONCE:
            self._adopt(Layout(lines, width))
        else:
            if not self.layout_ready:
                self._take(Layout(LAYING_OUT, width))
            self._lay_out_aside(lines, width)

    @work(exclusive=True, group="layout", description="lay out")
    async def _lay_out_aside(self, lines: LineList, width: int) -> None:
        layout = await asyncio.to_thread(Layout, lines, width)
        # Other lines may be shown, or the window be another size, since the thread began.
        if lines is self.lines and width == self.scrollable_content_region.width:
            self._adopt(layout)

    def _adopt(self, layout: Layout) -> None:
        """Use a layout of the current lines, with the same folds."""
        # What was folded stays so at another width; in other lines the numbers mean something else.
        if self.layout_ready:
            layout.fold(self.rows.folded)
        self.layout_ready = True
        self._take(layout)
        self.refresh_bindings()

    def _take(self, layout: Layout) -> None:
        self.rows = layout
        self.virtual_size = Size(layout.width, layout.height)
        self._scroll_update(self.virtual_size)
        self.refresh()
        self._show_what_follows()

    # -- the cursor ------------------------------------------------------------------------------------

    @property
    def has_cursor(self) -> bool:
        """True where a line can be marked, because something can be done there."""
        return False

    def is_marked(self, number: int) -> bool:
        return number == self.cursor.line and self.has_cursor

    def sign(self, number: int) -> str:  # noqa: ARG002
        return ""

    def next_cursor(self, by: int) -> int:
        return self.rows.step(self.cursor.line, by)

    def action_scroll_up(self) -> None:
        self.cursor.move(-1)

    def action_scroll_down(self) -> None:
        self.cursor.move(1)

    def action_page_up(self) -> None:
        self.cursor.turn_page(-1)

    def action_page_down(self) -> None:
        self.cursor.turn_page(1)

    def action_scroll_home(self) -> None:
        self._go_to_top()
        self.cursor_moved()

    def _go_to_top(self) -> None:
        self.cursor.line = 0
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        self.cursor.to_row(self.rows.height)
        self.scroll_end(animate=False)
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Draw the marked line, and offer what can be done there."""
        self.refresh(self.size.region)  # without the border
        self.refresh_bindings()

    def on_focus(self) -> None:
        if self.has_cursor and self.rows.height and not self.cursor.is_in_view:
            self.cursor.to_row(self.cursor.in_view.start)
        self.cursor_moved()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        row = self.rows.height if offset is None else self.row_at(offset.y)
        if offset is not None and row < self.rows.height:
            self.clicked(row, offset.x)

    def clicked(self, row: int, column: int) -> None:
        """Do what a click on a row of the text does, nothing here; the column has the gutter in it."""

    # -- how it is drawn -------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        number = self.row_at(y)
        width, base = self.scrollable_content_region.width, self.base_style
        # Textual asks for rows below the end while the window grows.
        if number >= self.rows.height:
            return Strip.blank(width, base)
        row, line_number = self.rows.row(number), self.rows.line_of_row(number)
        gutter = row.line.gutter
        strip = self._painter.selected(self._painter.text(row, line_number), number)
        strip = strip.crop_extend(0, width - gutter, base)
        if not self.is_painting:
            # With its offset each piece has a style of its own, which costs a painted row much.
            strip = strip.apply_offsets(0, number)
        if gutter:
            sign = self.sign(line_number) if not row.continues else ""
            strip = Strip([Segment(f"{sign:<{gutter}}", self._painter.tone(Tone.NOTE)), *strip])
        marked = self.has_focus and self.is_marked(line_number)
        return self._painter.over(strip, "cursor") if marked else strip

    def row_at(self, y: int) -> int:
        """Return the row of the text that is drawn in row `y` of the view."""
        return self.scroll_offset.y + y

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was before wrapping."""
        # Select all: also what is folded away, because what is copied is the document.
        if selection.start is None and selection.end is None:
            return self.plain, "\n"
        return self.rows.selected_text(selection), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002
        self.refresh()

    # -- searching -------------------------------------------------------------------------------------

    def mark_matches(self, matches: Matches) -> None:
        self.matches = matches
        if matches.hits:
            self.go_to(matches.turn_from(self.rows.line_of_row(self.scroll_offset.y)))
        self.refresh()

    def go_to(self, match: Match) -> None:
        """Bring a match into view, unfolding what hides it."""
        # A match in a fold would be a highlighted line that says nothing.
        if self.rows.reveal(match.line):
            self._take(self.rows)
        self.cursor.line = match.line
        row, view = self.rows.row_of_character(match.line, match.start), self.cursor.in_view
        # A third from the top, so that what the match is in can be read, too.
        if row not in view:
            self.cursor.scroll_to(max(0, row - len(view) // 3))
        self.cursor_moved()


class LineCursor:
    """Marks a line of `view`, and scrolls along with it."""

    def __init__(self, view: DocumentView) -> None:
        self._view = view
        self.line = 0

    @property
    def in_view(self) -> range:
        """The rows in view."""
        top = self._view.scroll_offset.y
        return range(top, top + self._view.scrollable_content_region.height)

    @property
    def is_in_view(self) -> bool:
        rows, view = self._view.rows.rows_of_line(self.line), self.in_view
        return rows.stop > view.start and rows.start < view.stop

    def move(self, by: int) -> None:
        """Go a line on, or to one in view if the marked line is out of it; scroll if none is marked."""
        rows, view = self._view.rows, self.in_view
        if not (self._view.has_cursor and rows.height):
            self.scroll_to(view.start + by)
            return
        marked = rows.rows_of_line(self.line)
        if not self.is_in_view:
            # The view was scrolled away from it: the next line is the first in sight, not one far off.
            self.to_row(view.start if by > 0 else view.stop - 1)
        elif (by > 0 and marked.stop > view.stop) or (by < 0 and marked.start < view.start):
            self.scroll_to(view.start + by)  # a line that is longer than the view
        else:
            self.line = self._view.next_cursor(by)
            self.bring_into_view(rows.rows_of_line(self.line))
        self._view.cursor_moved()

    def turn_page(self, by: int) -> None:
        # One row stays in view: the eye finds there where it was.
        last, height = self._view.rows.height - 1, max(1, len(self.in_view) - 1)
        top = max(0, min(self.in_view.start + by * height, last))
        self.scroll_to(top)
        if self._view.has_cursor:
            self.to_row(top if by < 0 else min(top + height, last))
        self._view.cursor_moved()

    def to_row(self, row: int) -> None:
        self.line = self._view.rows.line_of_row(row)

    def bring_into_view(self, rows: range) -> None:
        """Scroll no further than `rows` need."""
        view = self.in_view
        if rows.start < view.start or len(rows) > len(view):
            self.scroll_to(rows.start)
        elif rows.stop > view.stop:
            self.scroll_to(rows.stop - len(view))

    def scroll_to(self, row: int) -> None:
        self._view.scroll_to(y=row, animate=False)


class RowPainter:
    """Paints rows of `view`: text in the style of its tone, what lies over it in the component styles."""

    def __init__(self, view: DocumentView) -> None:
        self._view = view

    def text(self, row: Row, number: int) -> Strip:
        """Return the text of a row of line `number`, with the matches in it styled."""
        strip = Strip([Segment(text, self.tone(tone)) for text, tone in row.pieces()])
        matches, text = self._view.matches, row.line.text
        for match in matches.on_line(number):
            if match.start < row.end and match.end > row.start:
                start, end = (
                    row.indent + cell_len(text[row.start : max(row.start, min(row.end, edge))])
                    for edge in (match.start, match.end)
                )
                strip = self._over_cells(
                    strip, start, end, "current-match" if match is matches.current else "match"
                )
        return strip

    def selected(self, strip: Strip, number: int) -> Strip:
        selection = self._view.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        start, end = span
        return self._over_cells(strip, start, strip.cell_length if end == -1 else end, "selection")

    def tone(self, tone: Tone) -> Style:
        return self._view.base_style + VisualStyle.parse(tone.value).rich_style

    def over(self, strip: Strip, name: str) -> Strip:
        style = self._blended(name)
        return Strip(
            [Segment(text, (base or Style.null()) + style, control) for text, base, control in strip]
        )

    def _over_cells(self, strip: Strip, start: int, end: int, name: str) -> Strip:
        pieces = (
            strip.crop(0, start),
            self.over(strip.crop(start, end), name),
            strip.crop(end, strip.cell_length),
        )
        return Strip.join(pieces)

    def _blended(self, name: str) -> Style:
        """Return a style to lie over text, blended here: a Rich style has no transparency."""
        style = self._view.get_component_rich_style(_PREFIX + name, partial=True)
        colour = self._view.get_component_styles(_PREFIX + name).background
        if style.bgcolor is None or colour.a == 1 or colour.ansi is not None:
            return style
        return style + Style(bgcolor=(self._view.background_colors[1] + colour).rich_color)
