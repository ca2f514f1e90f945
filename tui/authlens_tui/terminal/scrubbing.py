"""The second layer of text safety: whatever reaches the painted lines has no control characters in it.

The first layer is `safe_line` and `safe_text` where data enters a widget; it makes such characters visible.
This one only has to hold where someone forgot, so it keeps the width of the line and replaces.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.filter import LineFilter

if TYPE_CHECKING:
    from textual.color import Color

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class Scrubbing(LineFilter):
    """Replaces what a terminal could obey in every painted line. Links and colours are styles: they stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if all(segment.text.isprintable() for segment in segments if not segment.control):
            return segments
        return [
            segment if segment.control else Segment(scrubbed(segment.text), segment.style)
            for segment in segments
        ]


# Most texts of a frame were in the one before.
@lru_cache(maxsize=1024)
def scrubbed(text: str) -> str:
    """Return `text` with unprintable characters replaced, as wide as it was."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _REPLACEMENT * cell_len(c) for c in text)
