"""The sequence diagram to walk through: the arrow keys mark an arrow, Enter or a click opens it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import count
from typing import Final

from textual.events import Resize

from authlens_core.trace.arrows import Arrow
from authlens_core.trace.record import RunningStage, StageRecord
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.document.lines import LineList
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.record.diagram import DiagramLine, small_diagram_lines
from authlens_tui.widgets.record.record_messages import ArrowChosen, ArrowMarked

_OPEN: Final = "Show the exchange of the selected arrow"


class DiagramView(ActionChecks, DocumentView):
    """Shows the lines of a diagram; the rows of one arrow are marked together."""

    BINDINGS = keys("diagram")

    _pointed: tuple[int | None, int | None, bool] = (None, None, False)
    _found: ArrowLines | None = None

    @property
    def _arrows(self) -> ArrowLines:
        # By identity: comparing thousands of lines would take longer than finding the arrows.
        if self._found is None or self._found.lines is not self.lines:
            self._found = ArrowLines(self.lines)
        return self._found

    def point_at(self, record: int | None, *, end: bool, exchange: int | None = None) -> None:
        """Mark and bring into view an arrow of a record: the first, or the last of a trace that goes on.

        Args:
            record: its place in the trace; None for the trace as a whole, which may still go on.
            end: true for the last arrow.
            exchange: the one in the record whose arrow it is; None for any.
        """
        if (record, exchange, end) != self._pointed:
            self._pointed = record, exchange, end
            if self.layout_ready:
                self._follow()

    def _adopt(self, layout: Layout) -> None:
        # Before the base class sets it: only the first layout of these lines moves the cursor.
        news = not self.layout_ready
        super()._adopt(layout)
        if news:
            self._follow()

    def _follow(self) -> None:
        record, exchange, end = self._pointed
        lines = self._arrows.of_record(record, exchange, end=end)
        if not lines:
            return
        self.cursor.line = lines.start
        if record is not None or end:  # otherwise it is read from the top
            self.call_after_refresh(self._bring_up, lines, end=end)  # once its height is known
            self.cursor_moved()

    def _bring_up(self, lines: range, *, end: bool) -> None:
        """Put the end of the story at the bottom, any other arrow where what led to it is seen above."""
        if lines.stop > len(self.lines) or not self.layout_ready:
            return
        first, last = (self.rows.rows_of_line(n) for n in (lines[0], lines[-1]))
        height = self.scrollable_content_region.height
        top = last.stop - height if end else first.start - height // 3
        self.scroll_to(y=max(0, top), animate=False, force=True)  # the scroll bar may be yet to come

    def row_at(self, y: int) -> int:
        """Return the row that is drawn in row `y`: the names of the lifelines stay on top."""
        return 0 if y == 0 and self._arrows.names_on_top else super().row_at(y)

    @property
    def has_cursor(self) -> bool:
        return self._arrows.place(0)[1] > 0

    @property
    def marked(self) -> Arrow | None:
        return self._arrows.at(self.cursor.line)

    def sign(self, number: int) -> str:
        """Return the sign beside the first row of the marked arrow: colour alone does not show it."""
        first = number == 0 or self._arrows.at(number - 1) is not self._arrows.at(number)
        return "›" if self.has_focus and first and self.is_marked(number) else ""

    def is_marked(self, number: int) -> bool:
        arrow = self._arrows.at(number)
        return arrow is not None and arrow is self.marked

    @property
    def position(self) -> tuple[int, int]:
        """The number of the marked arrow, from 1, and how many there are; 0 for none."""
        return self._arrows.place(self.cursor.line)

    def cursor_moved(self) -> None:
        super().cursor_moved()
        self.post_message(ArrowMarked())

    def next_cursor(self, by: int) -> int:
        return self._arrows.next_from(self.cursor.line, by)

    def on_focus(self) -> None:
        if self.marked is None and self.has_cursor:
            self._follow()
        self.cursor_moved()

    def action_open_arrow(self) -> None:
        if self.marked is not None:
            self.post_message(ArrowChosen(self.marked))

    def can_open_arrow(self) -> bool:
        return self.marked is not None

    def clicked(self, row: int, column: int) -> None:  # noqa: ARG002
        line = self.rows.line_of_row(row)
        if self._arrows.at(line) is not None:
            self.cursor.line = line
            self.cursor_moved()
            self.action_open_arrow()


class SmallDiagram(DiagramView, can_focus=False):
    """The diagram of a login beside its stages: it grows, and its end stays in view."""

    DEFAULT_CSS = """
    SmallDiagram { border: none; background: $background; scrollbar-size-vertical: 0; padding: 0; }
    """

    _drawn: tuple[Sequence[StageRecord], RunningStage | None, Collection[int]] = ((), None, ())

    def draw(
        self, records: Sequence[StageRecord], underway: RunningStage | None, undone: Collection[int]
    ) -> None:
        """Show the login so far; see `diagram_lines`."""
        self._drawn = (records, underway, undone)
        self.turns_pages = False
        self._draw()

    def _draw(self) -> None:
        # One column is left for the sign of the marked arrow.
        width = self.size.width - 1
        if self.display and width > 0:
            records, underway, undone = self._drawn
            self.show(small_diagram_lines(records, width, underway, undone), keep_place=True)
            self.point_at(None, end=True)

    def on_resize(self, event: Resize) -> None:
        self._draw()
        super().on_resize(event)
        if self.layout_ready:
            self._follow()


class ArrowLines:
    """The arrows of `lines`, by line."""

    def __init__(self, lines: LineList) -> None:
        self.lines = lines
        rows = [lines.line(number) for number in range(len(lines))]
        self._arrows = [drawn.message if isinstance(drawn, DiagramLine) else None for drawn in rows]
        self._starts = [n for n, arrow in enumerate(self._arrows) if arrow and arrow is not self.at(n - 1)]
        self.names_on_top = bool(rows) and isinstance(rows[0], DiagramLine) and rows[0].names
        """True if the first line names the lifelines."""

    def place(self, number: int) -> tuple[int, int]:
        """Return the number of the arrow on line `number`, from 1, and the number of all arrows."""
        return bisect_right(self._starts, number), len(self._starts)

    def at(self, number: int) -> Arrow | None:
        return self._arrows[number] if 0 <= number < len(self._arrows) else None

    def of_record(self, record: int | None, exchange: int | None, *, end: bool) -> range:
        """Return the lines of the first arrow, or the last, of a record or exchange; empty if none."""
        arrows = ((start, self._arrows[start]) for start in self._starts)
        starts = [
            start
            for start, arrow in arrows
            if arrow is not None
            and record in (None, arrow.record_index)
            and exchange in (None, arrow.exchange_index)
        ]
        if not starts:
            return range(0)
        start = starts[-1 if end else 0]
        return range(start, next(n for n in count(start) if self.at(n) is not self.at(start)))

    def next_from(self, number: int, by: int) -> int:
        """Return the first line of the next arrow, or of the one before; `number` if there is none."""
        index = bisect_right(self._starts, number)
        if by < 0:
            index -= 1 if self.at(number) is None else 2
        return self._starts[index] if 0 <= index < len(self._starts) else number
