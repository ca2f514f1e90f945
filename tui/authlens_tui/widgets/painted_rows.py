"""Rows of a scrolled view that were painted before: a row that only moves is not painted again.

Textual remembers a painted row by its place in the view, so scrolling by one paints all of them again. A row
also remembers how it was cut and what was written for it, so the same object is used again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from textual.color import TRANSPARENT, Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.filter import LineFilter

_MOST: Final = 256  # rows that are kept: several pages


@dataclass(frozen=True, slots=True)
class _Around:
    """What a row of the content is put into: edges that were painted, and filters with their background."""

    before: Strip
    after: Strip
    filters: tuple[LineFilter, ...]
    background: Color

    def put(self, row: Strip) -> Strip:
        segments = list(row)
        for each in self.filters:
            segments = each.apply(segments, self.background)
        cells = self.before.cell_length + row.cell_length + self.after.cell_length
        return Strip([*self.before, *segments, *self.after], cells)


class PaintedRows:
    """The rows of `view`, each kept while what it was painted from stays the same.

    Args:
        key: returns all that a row of the content is painted from; None if it has to be painted each time.
    """

    def __init__(self, view: Widget, key: Callable[[int], Hashable | None]) -> None:
        self._view = view
        self._key = key
        self._kept: dict[Hashable, Strip] = {}
        self._around = _Around(Strip(()), Strip(()), (), TRANSPARENT)

    def forget(self) -> None:
        self._kept.clear()

    def lines(self, crop: Region, line_width: int, paint: Callable[[Region], list[Strip]]) -> list[Strip]:
        """Return the lines of `crop`.

        Args:
            line_width: the cells of a row of the content; what follows is beside the content.
            paint: lets Textual paint lines.
        """
        (width, height), gutter = self._view.outer_size, self._view.styles.gutter
        first, end = max(crop.y, gutter.top), min(crop.bottom, height - gutter.bottom)
        if end - first < 2 or crop.column_span != (0, width):
            return paint(crop)
        lines = paint(Region(0, crop.y, width, first + 1 - crop.y))
        keys = [self._key(y) for y in range(first - gutter.top, end - gutter.top)]
        if not self._is_made_like(lines[-1], first - gutter.top, keys[0], gutter.left, line_width):
            return [*lines, *paint(Region(0, first + 1, width, crop.bottom - first - 1))]
        for is_kept, rows in groupby(range(first + 1, end), lambda y: keys[y - first] is not None):
            if is_kept:
                lines += [self._row(y - gutter.top, keys[y - first]) for y in rows]
            else:
                lines += paint(_between(rows, width))
        if crop.bottom > end:
            lines += paint(Region(0, end, width, crop.bottom - end))
        return lines

    def _is_made_like(self, painted: Strip, y: int, key: Hashable | None, left: int, line_width: int) -> bool:
        """Take what is around each row from one that Textual painted; say whether others can be made so."""
        view = self._view
        edges = painted.crop(0, left), painted.crop(left + line_width, painted.cell_length)
        around = _Around(*edges, tuple(view.get_line_filters()), view.background_colors[1])
        if around != self._around:
            self._around = around
            self._kept.clear()
        # Where a style changes more than that, such as the opacity, it is left to Textual.
        return key is None or self._row(y, key) == painted

    def _row(self, y: int, key: Hashable) -> Strip:
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            found = self._kept[key] = self._around.put(self._view.render_line(y))
        return found


def _between(rows: Iterable[int], width: int) -> Region:
    numbers = list(rows)
    return Region(0, numbers[0], width, len(numbers))
