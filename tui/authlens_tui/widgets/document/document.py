"""A document to read: lines with a cursor where something can be folded, and words to be searched in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.events import Click

from authlens_tui.terminal.content import Content
from authlens_tui.widgets.document.layout import Layout
from authlens_tui.widgets.document.lines import Line, LineList
from authlens_tui.widgets.document.lines_view import LAYING_OUT, LinesView
from authlens_tui.widgets.document.matches import find

__all__ = ["LAYING_OUT", "DocumentView"]

_READS_ON: Final = "PgDn reads on"


class DocumentView(LinesView, can_focus=True):
    """Shows lines. `show` replaces them all.

    Where there is JSON, one line is the cursor's: the arrow keys move it, Enter folds there.
    """

    HELP = (
        "Scroll with the arrow keys, page up and page down. Enter folds what begins on the marked line, "
        "f folds everything. Select with the mouse; ctrl+c copies."
    )
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
        & > .document--selection { background: $primary 50%; }
        & > .document--cursor { background: $primary 30%; }
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
        super().__init__(lines, id=id, classes=classes)
        self._cursor = 0
        self._place = self._below = ""
        self.turns_pages = True
        """Whether the key that turns pages comes here, so that it may be named."""

    def label(self, title: str, subtitle: str = "") -> None:
        """Put words of ours, or cleaned ones, into the border; the lower one says if more follows."""
        self.border_title = Content(title)
        self._place = subtitle
        self._tell_more()

    def _tell_more(self) -> None:
        """Say below whether there is more to read, and with which key."""
        below = self._layout.height - self.scroll_offset.y - self.scrollable_content_region.height
        more = _READS_ON if self.turns_pages and self.layout_ready and below > 0 else ""
        words = " · ".join(filter(None, (self._place, more)))
        if words != self._below:
            self._below = words
            self.border_subtitle = Content(words) if words else None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow what is left below."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_more()

    def _take(self, layout: Layout) -> None:
        super()._take(layout)
        self._tell_more()

    def go_to_top(self) -> None:
        """Show the beginning, and mark it."""
        self._cursor = 0
        super().go_to_top()

    def sign(self, number: int) -> str:
        """Return the sign in the gutter of line `number`."""
        if not self._layout.can_fold(number):
            return ""
        return "▸" if number in self._layout.folded else "▾"

    def is_marked(self, number: int) -> bool:
        """Say whether line `number` is the cursor's."""
        return self.has_cursor and number == self._cursor

    # -- the cursor ------------------------------------------------------------------------------------

    @property
    def has_cursor(self) -> bool:
        """True where a line can be marked, because something can be done there."""
        return self._layout.foldable

    @property
    def marked_text(self) -> str:
        """The JSON of the cursor's line, with all that begins on it; empty without a cursor."""
        return self._layout.text_from(self._cursor) if self.has_cursor and self.layout_ready else ""

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
