"""What a painted line passes through before it reaches the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.filter import LineFilter, Monochrome, NoColor

from authlens_tui.terminal.contrast import HIGH, Contrast
from authlens_tui.terminal.hyperlinks import OneLink, RfcLinks
from authlens_tui.terminal.scrubbing import Scrubbing

if TYPE_CHECKING:
    from rich.segment import Segment
    from textual.color import Color


class FilterChain(LineFilter):
    """Applies `filters` one after the other.

    Textual copies each painted line once for each filter of a list, and looks each copy up at every repaint.
    """

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self.filters = tuple(filters)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        for each in self.filters:
            segments = each.apply(segments, background)
        return segments


class LineFilters:
    """Chooses the filters of an app, and applies them as one."""

    def __init__(self) -> None:
        self._scrubbing = Scrubbing()
        self._contrast, self._high_contrast, self._no_colour = Contrast(), Contrast(HIGH), NoColor()
        self._links = (RfcLinks(), OneLink())
        self._chain = FilterChain(())

    def of(
        self, given: Sequence[LineFilter], *, no_color: bool, high_contrast: bool
    ) -> tuple[LineFilter, ...]:
        """Put the second layer of text safety before Textual's filters, and readable text after them."""
        # NO_COLOR removes every colour but keeps bold and reverse; Textual's own filter paints in grey.
        kept = [one for one in given if not isinstance(one, (Monochrome, NoColor))]
        colour = self._no_colour if no_color else self._high_contrast if high_contrast else self._contrast
        return (self._scrubbing, *kept, colour, *self._links)

    def as_one(self, filters: tuple[LineFilter, ...]) -> FilterChain:
        if filters != self._chain.filters:
            self._chain = FilterChain(filters)
        return self._chain
