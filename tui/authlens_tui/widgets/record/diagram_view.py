"""The sequence diagram to walk through: the arrow keys mark an arrow, Enter or a click opens it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from authlens_core.trace.messages import Message as Arrow
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.record.diagram import DiagramLine

__all__ = ["DiagramView"]


class DiagramView(DocumentView):
    """Shows the lines of a diagram; the rows of one arrow are marked together."""

    HELP = "The arrow keys mark an arrow, Enter or a click opens what was sent there."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,space",
            "open_arrow",
            "Open arrow",
            key_display="⏎",
            id="diagram.open",
            tooltip="Show what was sent at the marked arrow",
        ),
    ]

    _record: int | None = None
    _end = False

    class ArrowChosen(Message):
        """A person opened an arrow."""

        def __init__(self, arrow: Arrow) -> None:
            super().__init__()
            self.arrow = arrow

    def point_at(self, record: int | None, *, end: bool) -> None:
        """Mark and bring into view an arrow of a record: the first, or the last where the story stands.

        Args:
            record: its place in the story; None for the story as a whole, which may still go on.
            end: true for the last arrow.
        """
        if (record, end) != (self._record, self._end):
            self._record, self._end = record, end
            if self.layout_ready:
                self._follow()

    def _adopt(self, layout: Layout) -> None:
        news = not self.layout_ready
        super()._adopt(layout)
        if news:
            self._follow()

    def _follow(self) -> None:
        arrows = [(n, arrow) for n in range(len(self.lines)) if (arrow := self._arrow_of(n)) is not None]
        own = [place for place in arrows if self._record is None or place[1].record_index == self._record]
        if not own:
            return
        if not self._end and self._record is None:  # nothing runs and nothing is looked at: read from the top
            self._cursor = own[0][0]
            return
        chosen = own[-1][1] if self._end else own[0][1]
        lines = [n for n, arrow in arrows if arrow is chosen]
        self._cursor = lines[0]
        self.call_after_refresh(self._bring_up, range(lines[0], lines[-1] + 1))  # once its height is known
        self._cursor_moved()

    def _bring_up(self, lines: range) -> None:
        """Put the end of the story at the bottom, any other arrow where what led to it is seen above."""
        if lines.stop > len(self.lines) or not self.layout_ready:
            return
        first, last = (self._layout.rows_of_line(n) for n in (lines[0], lines[-1]))
        height = self.scrollable_content_region.height
        top = last.stop - height if self._end else first.start - height // 3
        self.scroll_to(y=max(0, top), animate=False, force=True)  # the scroll bar may be yet to come

    def row_at(self, y: int) -> int:
        """Return which row stands in row `y`: the names of the lifelines stay above what is scrolled to."""
        first = self.lines.line(0) if len(self.lines) else None
        pinned = isinstance(first, DiagramLine) and first.names
        return 0 if y == 0 and pinned else super().row_at(y)

    @property
    def has_cursor(self) -> bool:
        """True where there is an arrow to mark."""
        return any(self._arrow_of(number) is not None for number in range(len(self.lines)))

    @property
    def marked(self) -> Arrow | None:
        """The arrow that is marked."""
        return self._arrow_of(self._cursor)

    def sign(self, number: int) -> str:
        """Return the sign beside the first row of the marked arrow: it is not told by colour alone."""
        first = number == 0 or self._arrow_of(number - 1) is not self._arrow_of(number)
        return "›" if self.has_focus and first and self.is_marked(number) else ""

    def is_marked(self, number: int) -> bool:
        """Say whether line `number` is of the marked arrow."""
        arrow = self._arrow_of(number)
        return arrow is not None and arrow is self.marked

    def next_cursor(self, by: int) -> int:
        """Return the first line of the next arrow, or of the one before; where it is if there is none."""
        here = self.marked
        places = range(self._cursor + by, len(self.lines) if by > 0 else -1, by)
        found = next((n for n in places if self._arrow_of(n) not in (None, here)), self._cursor)
        arrow = self._arrow_of(found)
        while found and self._arrow_of(found - 1) is arrow:
            found -= 1
        return found

    def on_focus(self) -> None:
        """Mark an arrow of what is shown, if none is marked."""
        if self.marked is None and self.has_cursor:
            self._follow()
        self._cursor_moved()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to open the marked arrow; there is nothing to fold here."""
        if action == "open_arrow":
            return self.marked is not None
        return super().check_action(action, parameters)

    def action_open_arrow(self) -> None:
        """Open the marked arrow."""
        if self.marked is not None:
            self.post_message(self.ArrowChosen(self.marked))

    def on_click(self, event: Click) -> None:
        """Open the arrow that was clicked."""
        event.prevent_default()
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = self.row_at(offset.y)
        if row < self.rows and self._arrow_of(self.line_of_row(row)) is not None:
            self._cursor = self.line_of_row(row)
            self._cursor_moved()
            self.action_open_arrow()

    def _arrow_of(self, number: int) -> Arrow | None:
        if not 0 <= number < len(self.lines):
            return None
        one = self.lines.line(number)
        return one.message if isinstance(one, DiagramLine) else None
