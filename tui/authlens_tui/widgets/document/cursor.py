"""The marked line of a document, and the rows that are in view around it."""

from __future__ import annotations

from collections.abc import Callable

from textual.scroll_view import ScrollView

from authlens_tui.widgets.document.layout import Layout


class LineCursor:
    """Marks a line of `layout()`, and scrolls `view` along with it."""

    def __init__(self, view: ScrollView, layout: Callable[[], Layout]) -> None:
        self._view = view
        self._layout = layout
        self.line = 0

    @property
    def in_view(self) -> range:
        top = self._view.scroll_offset.y
        return range(top, top + self._view.scrollable_content_region.height)

    def move(self, by: int, following: Callable[[], int]) -> None:
        """Go to the line that `following` returns, or to one in view if the marked line is out of it."""
        rows, view = self._layout().rows_of_line(self.line), self.in_view
        if not _overlap(rows, view):
            # The view was scrolled away from it: the next line is the first in sight, not one far off.
            self.to_row(view.start if by > 0 else view.stop - 1)
        elif (by > 0 and rows.stop > view.stop) or (by < 0 and rows.start < view.start):
            self.scroll_to(view.start + by)  # a line that is longer than the view
        else:
            self.line = following()
            self.bring_into_view(self._layout().rows_of_line(self.line))

    def turn_page(self, by: int, *, mark: bool) -> None:
        last, height = self._layout().height - 1, max(1, len(self.in_view) - 1)
        top = max(0, min(self.in_view.start + by * height, last))
        self.scroll_to(top)
        if mark:
            self.to_row(top if by < 0 else min(top + height, last))

    def to_row(self, row: int) -> None:
        self.line = self._layout().line_of_row(row)

    def stay_in_view(self) -> None:
        """Mark the first line in view if the marked one is out of it."""
        if not _overlap(self._layout().rows_of_line(self.line), self.in_view):
            self.to_row(self.in_view.start)

    def bring_into_view(self, rows: range) -> None:
        """Scroll no further than `rows` need."""
        view = self.in_view
        if rows.start < view.start or len(rows) > len(view):
            self.scroll_to(rows.start)
        elif rows.stop > view.stop:
            self.scroll_to(rows.stop - len(view))

    def scroll_to(self, row: int) -> None:
        self._view.scroll_to(y=row, animate=False)


def _overlap(rows: range, others: range) -> bool:
    return rows.stop > others.start and rows.start < others.stop
