"""Which lines of a diagram belong to which arrow."""

from __future__ import annotations

from authlens_core.trace.messages import Arrow
from authlens_tui.widgets.document.lines import LineList
from authlens_tui.widgets.record.diagram import DiagramLine


class ArrowLines:
    """The arrows of `lines`, by line."""

    def __init__(self, lines: LineList) -> None:
        self.lines = lines
        shown = [lines.line(number) for number in range(len(lines))]
        self._arrows = [one.message if isinstance(one, DiagramLine) else None for one in shown]
        self.has_any = any(arrow is not None for arrow in self._arrows)
        self.names_on_top = bool(shown) and isinstance(shown[0], DiagramLine) and shown[0].names
        """Whether the first line names the lifelines."""

    def at(self, number: int) -> Arrow | None:
        return self._arrows[number] if 0 <= number < len(self._arrows) else None

    def of_record(self, record: int | None, *, end: bool) -> range:
        """Return the lines of the first arrow of a record, or of the last; empty if it has none.

        Args:
            record: its place in the trace; None for the whole trace.
            end: true for the last arrow.
        """
        own = [one for one in self._arrows if one is not None and record in (None, one.record_index)]
        if not own:
            return range(0)
        lines = [number for number, arrow in enumerate(self._arrows) if arrow is own[-1 if end else 0]]
        return range(lines[0], lines[-1] + 1)

    def next_from(self, number: int, by: int) -> int:
        """Return the first line of the next arrow, or of the one before; `number` if there is none."""
        here = self.at(number)
        places = range(number + by, len(self._arrows) if by > 0 else -1, by)
        found = next((place for place in places if self._arrows[place] not in (None, here)), number)
        # Going up, the last row of an arrow is met first.
        while found and self.at(found - 1) is self.at(found):
            found -= 1
        return found
