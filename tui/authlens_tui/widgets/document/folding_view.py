"""A document with JSON in it: the keys fold and unfold its objects and arrays."""

from __future__ import annotations

from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.key_binding import ActionChecks, keys


class FoldingView(ActionChecks, DocumentView):
    """Has a cursor on one line if there is JSON: the arrow keys move it, Enter folds there."""

    BINDINGS = keys("document")

    @property
    def has_cursor(self) -> bool:
        return self.rows.foldable

    def sign(self, number: int) -> str:
        """Return the fold sign of line `number`."""
        if not self.rows.can_fold(number):
            return ""
        return "▸" if number in self.rows.folded else "▾"

    def can_fold(self) -> bool:
        return self.rows.can_fold(self.cursor.line)

    can_open = can_fold

    def can_fold_all(self) -> bool:
        return self.has_cursor

    can_close = can_fold_all

    def action_fold(self) -> None:
        self._toggle()

    def action_open(self) -> None:
        if self.cursor.line in self.rows.folded:
            self._toggle()

    def action_close(self) -> None:
        """Fold what begins on the cursor's line, or go to the line that begins what the line is in."""
        if self.rows.can_fold(self.cursor.line) and self.cursor.line not in self.rows.folded:
            self._toggle()
        elif (around := self.rows.enclosing(self.cursor.line)) is not None:
            # The second press goes outwards, as in the trees of file managers.
            self.cursor.line = around
            self.cursor.bring_into_view(self.rows.rows_of_line(around))
            self.cursor_moved()

    def action_fold_all(self) -> None:
        """Fold every member of the outermost object or array, or unfold everything."""
        self.rows.toggle_all()
        self._folds_changed()

    def _toggle(self) -> None:
        if self.rows.toggle(self.cursor.line):
            self._folds_changed()

    def _folds_changed(self) -> None:
        self._take(self.rows)
        rows = self.rows.rows_of_line(self.cursor.line)
        self.cursor.to_row(rows.start)  # a line that is folded away is marked where its fold is shown
        self.cursor.bring_into_view(range(rows.start, rows.start + 1))
        self.cursor_moved()

    def clicked(self, row: int, column: int) -> None:
        """Fold or unfold where the sign before a line was clicked; mark the line that was."""
        self.cursor.to_row(row)
        drawn = self.rows.row(row)
        # The text beside the sign is for selecting, so a click there folds nothing.
        if column < drawn.line.gutter and not drawn.continues:
            self._toggle()
        self.cursor_moved()
