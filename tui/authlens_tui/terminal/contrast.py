"""Text that can be read in every theme: a filter gives it 4.5 : 1 on its background.

Themes and widgets choose colours one by one. A cursor or a search hit then lies over all of them, and
Textual's own themes promise nothing. Boxes and bars are not text and stay as they are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import BLACK, WHITE, Color
from textual.filter import LineFilter

if TYPE_CHECKING:
    from rich.color import Color as RichColor

READABLE: Final = 4.5  # to one, WCAG 2.2 §1.4.3
HIGH: Final = 7.0  # the same, §1.4.6
_STEPS: Final = 16
_TEXT: Final = re.compile("[^\\s\u2500-\u259f\u2800-\u28ff]")


class Contrast(LineFilter):
    """Brings text nearer to white or black until it is readable. Colours of the terminal's own stay."""

    def __init__(self, least: float = READABLE) -> None:
        super().__init__()
        self._least = least

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            Segment(segment.text, better)
            if segment.style is not None
            and not segment.control
            and (better := _better(segment.style, self._least)) is not None
            and _TEXT.search(segment.text)
            else segment
            for segment in segments
        ]


def contrast(one: Color, other: Color) -> float:
    """Return the contrast between two colours, from 1 to 21, as WCAG defines it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


# A screen has few styles, and each segment of each frame asks.
@lru_cache(maxsize=4096)
def _better(style: Style, least: float) -> Style | None:
    """Return `style` with another text colour, or None if its own can be read."""
    text, behind = _fixed(style.color), _fixed(style.bgcolor)
    if text is None or behind is None or contrast(text, behind) >= least:
        return None
    # Towards the end that is further from the background; mixing keeps as much of the hue as can be.
    towards = max(WHITE, BLACK, key=lambda end: contrast(end, behind))
    steps = (text.blend(towards, step / _STEPS) for step in range(1, _STEPS))
    colour = next((one for one in steps if contrast(one, behind) >= least), towards)
    return style + Style(color=colour.rich_color)


def _fixed(colour: RichColor | None) -> Color | None:
    """Return a colour that looks the same on every terminal, or None for one that the terminal chooses."""
    if colour is None or colour.type not in (ColorType.TRUECOLOR, ColorType.EIGHT_BIT):
        return None
    return Color.from_rich_color(colour)


def _luminance(colour: Color) -> float:
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
