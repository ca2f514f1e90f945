"""A document with JSON in it: the keys fold and unfold its objects and arrays."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click

from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.key_binding import bound


class FoldingView(DocumentView):
    """Where there is JSON, one line is the cursor's: the arrow keys move it, Enter folds there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bound("document.fold", "enter,space", "fold", "Fold", "Fold or unfold at the cursor"),
        bound("document.fold_all", "asterisk", "fold_all", "Fold all", "Fold or unfold every member"),
        Binding("left", "close", "Fold, or go to the parent", id="document.close", show=False),
        Binding("right", "open", "Unfold", id="document.open", show=False),
    ]

    @property
    def has_cursor(self) -> bool:
        return self._layout.foldable

    @property
    def marked_text(self) -> str:
        """The JSON of the cursor's line, with all that begins on it; empty without a cursor."""
        return self._layout.text_from(self.cursor.line) if self.has_cursor and self.layout_ready else ""

    def sign(self, number: int) -> str:
        """Return the sign of what begins on line `number`: whether it is folded."""
        if not self._layout.can_fold(number):
            return ""
        return "▸" if number in self._layout.folded else "▾"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        if action in ("fold", "open"):
            return self._layout.can_fold(self.cursor.line)
        return self.has_cursor if action in ("fold_all", "close") else True

    def action_fold(self) -> None:
        self._toggle(self.cursor.line)

    def action_open(self) -> None:
        if self.cursor.line in self._layout.folded:
            self._toggle(self.cursor.line)

    def action_close(self) -> None:
        """Fold what begins on the cursor's line, or go to the line that begins what the line is in."""
        if self._layout.can_fold(self.cursor.line) and self.cursor.line not in self._layout.folded:
            self._toggle(self.cursor.line)
            return
        around = self._layout.enclosing(self.cursor.line)
        if around is not None:
            # The second press goes outwards, as in the trees of file managers.
            self.cursor.line = around
            self.cursor.bring_into_view(self._layout.rows_of_line(around))
            self.cursor_moved()

    def action_fold_all(self) -> None:
        """Fold every member of the outermost object or array, or unfold everything."""
        self._layout.toggle_all()
        self._folds_changed()

    def _toggle(self, number: int) -> None:
        if self._layout.toggle(number):
            self._folds_changed()

    def _folds_changed(self) -> None:
        self._take(self._layout)
        rows = self._layout.rows_of_line(self.cursor.line)
        # A line that is folded away is marked where its fold is shown.
        self.cursor.line = self._layout.line_of_row(rows.start)
        self.cursor.bring_into_view(range(rows.start, rows.start + 1))
        self.cursor_moved()

    def on_click(self, event: Click) -> None:
        """Fold or unfold where the sign before a line was clicked; mark the line that was."""
        offset = event.get_content_offset(self)
        number = self.scroll_offset.y + offset.y if offset is not None else self._layout.height
        if offset is None or number >= self._layout.height:
            return
        row = self._layout.row(number)
        self.cursor.line = self._layout.line_of_row(number)
        # The text beside the sign is for selecting, so a click there folds nothing.
        if offset.x < row.line.gutter and not row.continues:
            self._toggle(self.cursor.line)
        self.cursor_moved()
