"""How well the text on a screen can be read, measured on the cells as they go to the terminal."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from authlens_tui.app.base_app import BaseApp
from authlens_tui.terminal.line_filters import READABLE, XTERM, contrast
from support.screens import raw_segments

__all__ = ["THREE", "faint_among", "painted", "too_faint"]

THREE: Final = ("authlens-dark", "authlens-light", "authlens-16")
"""The themes that the gate measures every screen in."""
_TEXT: Final = re.compile("[^\\s\u2500-\u259f\u2800-\u28ff]")
_DIMMED: Final = 2 / 3  # of the way from the background: what xterm and VTE leave of a dim colour


def painted(app: BaseApp) -> Iterator[Segment]:
    for row in raw_segments(app):
        yield from (one for one in row if _TEXT.search(one.text) and not one.control)


def too_faint(app: BaseApp, least: float = READABLE) -> list[str]:
    return faint_among(painted(app), least)


def faint_among(segments: Iterable[Segment], least: float = READABLE) -> list[str]:
    """Return those of `segments` whose contrast is too low, with the contrast."""
    found = []
    for text, style, _ in segments:
        seen = _contrast(style or Style())
        if seen < least - 0.01:
            found.append(f"{seen:.1f} {text!r} {style}")
    return found


def _contrast(style: Style) -> float:
    text, behind = _seen(style.color, text=True), _seen(style.bgcolor, text=False)
    if style.dim:
        text = behind.blend(text, _DIMMED)
    return contrast(text, behind)


def _seen(colour: RichColor | None, *, text: bool) -> Color:
    return Color(*(colour or RichColor.default()).get_truecolor(XTERM, foreground=text))
