"""Rows of a scrolled view that were painted before: a row that only moves is not painted again.

Textual remembers a painted row by its place in the view, so scrolling by one paints all of them again. A row
also remembers how it was cut and what was written for it, so the same object is used again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final

from textual.color import TRANSPARENT, Color
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from authlens_core.values.quick_dataclass import dataclass

if TYPE_CHECKING:
    from textual.filter import LineFilter

_MOST: Final = 400  # rows that are kept: several pages
_AT_ONCE: Final = 8  # rows painted ahead while a key that is pressed meanwhile has to wait
_QUIET: Final = 0.03  # seconds without scrolling after which they are


@dataclass(frozen=True, slots=True)
class _Around:
    """What a row of the content is put into: edges that were painted, and filters with their background.

    Attributes:
        cells: of the row between the edges.
    """

    before: Strip
    after: Strip
    cells: int
    filters: tuple[LineFilter, ...]
    background: Color

    def put(self, row: Strip) -> Strip:
        segments = list(row)
        for each in self.filters:
            segments = each.apply(segments, self.background)
        width = self.before.cell_length + self.cells + self.after.cell_length
        return Strip([*self.before, *segments, *self.after], width)


class PaintedRows:
    """The rows of `view`, each kept while what it was painted from stays the same.

    Args:
        key: returns all that a row of the content is painted from; None if it has to be painted each time.
        painting: is entered while rows are painted; returns the cells of a row.
    """

    def __init__(
        self,
        view: Widget,
        key: Callable[[int], Hashable | None],
        painting: Callable[[], AbstractContextManager[int]],
    ) -> None:
        self._view = view
        self._key = key
        self._painting = painting
        self._ahead: Timer | None = None
        self._kept: dict[Hashable, Strip] = {}
        self._around = _Around(Strip(()), Strip(()), 0, (), TRANSPARENT)
        self._is_usable = False

    def forget(self) -> None:
        self._kept.clear()

    def lines(self, crop: Region, line_width: int, paint: Callable[[Region], list[Strip]]) -> list[Strip]:
        """Return the lines of `crop`.

        Args:
            line_width: the cells of a row of the content; what follows is beside the content.
            paint: lets Textual paint lines.
        """
        if not self._view.is_attached:
            # Textual may still paint a view that was just removed and has no styles.
            return [Strip.blank(crop.width)] * crop.height
        (width, height), gutter = self._view.outer_size, self._view.styles.gutter
        first, end = max(crop.y, gutter.top), min(crop.bottom, height - gutter.bottom)
        if end - first < 2 or crop.column_span != (0, width):
            return paint(crop)
        lines = paint(Region(0, crop.y, width, first + 1 - crop.y))
        keys = [self._key(y) for y in range(first - gutter.top, end - gutter.top)]
        self._is_usable = self._is_made_like(lines[-1], first - gutter.top, keys[0], gutter.left, line_width)
        if not self._is_usable:
            return [*lines, *paint(Region(0, first + 1, width, crop.bottom - first - 1))]
        for is_kept, rows in groupby(range(first + 1, end), lambda y: keys[y - first] is not None):
            if is_kept:
                lines += [self._row(y - gutter.top, keys[y - first]) for y in rows]
            else:
                numbers = list(rows)
                lines += paint(Region(0, numbers[0], width, len(numbers)))
        if crop.bottom > end:
            lines += paint(Region(0, end, width, crop.bottom - end))
        return lines

    def paint_ahead_soon(self) -> None:
        """Paint the pages before and after this one while no key is pressed: the next key may show one."""
        if self._ahead is None:
            self._ahead = self._view.set_interval(_QUIET, self._paint_ahead, name="paint ahead")
        self._ahead.reset()

    def _paint_ahead(self) -> None:
        with self._painting() as line_width:
            has_more = self._paint_some(self._view.scrollable_content_region.height, line_width)
        if self._ahead is not None and not has_more:
            self._ahead.pause()

    def _paint_some(self, page: int, line_width: int) -> bool:
        """Paint some rows beside the `page` rows in view; return whether there are more."""
        # A view that is not shown has no width.
        is_known = self._is_usable and line_width == self._around.cells
        around = min(page, (_MOST - page) // 2) if is_known else 0
        beside = (*range(page, page + around), *range(-1, -1 - around, -1))
        keys = ((y, key) for y in beside if (key := self._key(y)) is not None and key not in self._kept)
        for y, key in islice(keys, _AT_ONCE):
            self._row(y, key)
        return next(keys, None) is not None

    def _is_made_like(self, painted: Strip, y: int, key: Hashable | None, left: int, line_width: int) -> bool:
        """Take what is around each row from one that Textual painted; say whether others can be made so."""
        view = self._view
        edges = painted.crop(0, left), painted.crop(left + line_width, painted.cell_length)
        around = _Around(*edges, line_width, tuple(view.get_line_filters()), view.background_colors[1])
        if around != self._around:
            self._around = around
            self._kept.clear()
        # Where a style changes more than that, such as the opacity, it is left to Textual.
        return key is None or self._row(y, key) == painted

    def _row(self, y: int, key: Hashable) -> Strip:
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
            found = self._kept[key] = self._around.put(self._view.render_line(y))
        return found
