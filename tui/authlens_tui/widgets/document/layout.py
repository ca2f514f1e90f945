"""The layout of a document: the rows of each line at one width, with some of it folded.

Only how many rows each line takes is counted beforehand; a row itself is made when it is seen. So the layout
of a megabyte takes a fraction of a second, in any thread, and folding takes milliseconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from textual.selection import Selection

from authlens_tui.widgets.document.lines import (
    SMALLEST_WIDTH,
    LazyLines,
    Line,
    LineList,
    Row,
    Tone,
    line,
    rows_of,
)

_KEPT: Final = 512  # lines whose rows are kept after they were made


class Layout:
    """The rows of `lines` at `width` cells, 8 at least."""

    def __init__(self, lines: LineList, width: int) -> None:
        self.lines: Final = lines
        self.width: Final = max(width, SMALLEST_WIDTH)
        self.folded: dict[int, int] = {}
        """The lines whose container is folded, and on which line each ends."""
        self._rows = lru_cache(_KEPT)(self._wrapped)
        # An array and not a list of objects: a body of a megabyte can have 100,000 lines.
        self._heights = array("l")
        for block in lines.parts:
            self._count(block)
        self._place()

    @property
    def height(self) -> int:
        return self._bottoms[-1] if self._bottoms else 0

    def row(self, number: int) -> Row:
        line_number = self.line_of_row(number)
        first = self.rows_of_line(line_number).start
        return self._rows(line_number, self.folded.get(line_number))[number - first]

    def line_of_row(self, number: int) -> int:
        """Return the line of row `number`; the last line for a row below the end."""
        if not self._bottoms:
            return 0
        return self._visible[min(bisect_right(self._bottoms, number), len(self._bottoms) - 1)]

    def rows_of_line(self, number: int) -> range:
        """Return the rows of line `number`, or of the fold that contains it."""
        index = self._place_of(number)
        return range(self._bottoms[index - 1] if index else 0, self._bottoms[index])

    def row_of_character(self, number: int, character: int) -> int:
        rows = self.rows_of_line(number)
        return next((row for row in rows if self.row(row).end > character), rows[-1])

    def step(self, number: int, by: int) -> int:
        """Return the line `by` visible lines after (or before) line `number`."""
        index = self._place_of(number) + by
        return self._visible[max(0, min(index, len(self._visible) - 1))]

    def selected_text(self, selection: Selection) -> str:
        """Return the selected text as it was before wrapping."""
        first = 0 if selection.start is None else max(0, selection.start.y)
        last = self.height - 1 if selection.end is None else min(selection.end.y, self.height - 1)
        parts: list[str] = []
        for number in range(first, last + 1):
            row = self.row(number)
            start, end = selection.get_span(number) or (0, 0)
            if parts and not row.continues:
                parts.append("\n")
            # Without the hanging indent, which is only of the painting.
            parts.append(row.text[max(start, row.indent) : None if end == -1 else end])
        return "".join(parts)

    # -- folding ---------------------------------------------------------------------------------------

    def can_fold(self, number: int) -> bool:
        """Return whether line `number` begins an object or array of laid out JSON."""
        return self._end_of(number) is not None

    def toggle(self, number: int) -> bool:
        """Fold what line `number` begins, or unfold it; return whether anything changed."""
        end = self._end_of(number)
        if end is None:
            return False
        if self.folded.pop(number, None) is None:
            self.folded[number] = end
        self._place()
        return True

    def enclosing(self, number: int) -> int | None:
        """Return the line that begins the container around line `number`."""
        if not self.lines:
            return None
        block, first = self.lines.part(number)
        around = block.containers.around(number - first)
        return None if around is None else first + around

    def toggle_all(self) -> None:
        """Unfold everything, or where nothing is folded, fold all members of the outermost container."""
        if self.folded:
            self.folded.clear()
        else:
            for first, passage in self.lines.passages():
                for start in passage.containers.members:
                    self.folded[first + start] = first + passage.containers.ends[start]
        self._place()

    def reveal(self, number: int) -> bool:
        """Unfold whatever hides line `number`; return whether anything did."""
        hiding = [start for start, end in self.folded.items() if start < number <= end]
        for start in hiding:
            del self.folded[start]
        if hiding:
            self._place()
        return bool(hiding)

    def fold(self, folded: Mapping[int, int]) -> None:
        """Fold what was `folded` in a layout of the same lines at another width."""
        self.folded.update(folded)
        if folded:
            self._place()

    @property
    def foldable(self) -> bool:
        return any(passage.json for _, passage in self.lines.passages())

    def _end_of(self, number: int) -> int | None:
        if not self.lines:
            return None
        block, first = self.lines.part(number)
        end = block.containers.ends.get(number - first)
        return None if end is None else first + end

    # -- counting --------------------------------------------------------------------------------------

    def _count(self, block: Line) -> None:
        if not isinstance(block, LazyLines):
            self._heights.append(self._height(block, len(self._heights)))
            return
        # Most lines of a body are short and ASCII: counting those without a `Line` makes a megabyte bearable.
        width = self.width - block.make("").gutter
        _ = block.containers  # found now, in whatever thread this is
        for text in block.texts:
            # Beyond ASCII a character can be two cells wide or none.
            short = len(text) <= width and text.isascii()
            self._heights.append(1 if short else self._height(block.make(text), len(self._heights)))

    def _height(self, line: Line, number: int) -> int:
        width = self.width - line.gutter
        over = len(line.text) - width
        # One cell for each character, and rows that end anywhere: the number of rows is a division.
        if line.text.isascii() and (over <= 0 or not line.by_words):
            inner = width - min(line.hang, width // 2)
            return 1 + max(0, -(-over // inner))
        return len(self._rows(number, None))

    def _wrapped(self, number: int, end: int | None) -> tuple[Row, ...]:
        """Return the rows of a line; of a container folded up to line `end`, the count of lines."""
        source = self.lines.line(number)
        if end is not None:
            summary, closing = self._instead(number, end)
            pieces = (*source.drawn, *line((summary, Tone.NOTE), (closing, Tone.MUTED)).pieces)
            source = _Folded(pieces, source.hang)
        return tuple(rows_of(source, self.width - source.gutter))

    def _instead(self, number: int, end: int) -> tuple[str, str]:
        """Return the summary of a folded container, and its closing bracket."""
        count = end - number - 1
        return f" {count:,} line{'s' if count != 1 else ''} ", self.lines.texts[end].strip()

    def _folded_height(self, number: int, end: int) -> int:
        """Return the rows of a folded container: its words may take more than its first line does."""
        text = self.lines.texts[number] + "".join(self._instead(number, end))
        short = len(text) <= self.width - _Folded.gutter and text.isascii()
        return 1 if short else len(self._rows(number, end))

    def _place(self) -> None:
        """Find which lines are visible, and above which row each of them ends."""
        self._visible = self._unfolded()
        heights = self._heights[:]
        for fold, end in self.folded.items():
            heights[fold] = self._folded_height(fold, end)
        self._bottoms = list(accumulate(map(heights.__getitem__, self._visible)))

    def _unfolded(self) -> Sequence[int]:
        """Return the lines that no fold hides."""
        if not self.folded:
            return range(len(self.lines))
        visible = array("l")
        start = 0
        for fold, end in sorted(self.folded.items()):
            if fold >= start:  # a fold within a fold is hidden already
                visible.extend(range(start, fold + 1))
                start = end + 1
        visible.extend(range(start, len(self.lines)))
        return visible

    def _place_of(self, number: int) -> int:
        """Return the index of line `number` among the visible ones, or of the fold that contains it."""
        return bisect_right(self._visible, number) - 1


class _Folded(Line, frozen=True, dict=True):
    """The one line of a folded container."""

    gutter = 2
