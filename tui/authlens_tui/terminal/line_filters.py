"""The filters of a painted line on its way to the terminal.

In this order: no control character is left in it; Textual's own filters; text that can be read on what is
behind it, or no colour at all; hyperlinks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from textual.color import BLACK, WHITE, Color
from textual.filter import LineFilter, Monochrome, NoColor

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
READABLE: Final = 4.5  # to one, WCAG 2.2 §1.4.3
HIGH: Final = 7.0  # the same, §1.4.6
_STEPS: Final = 16
_ENDS: Final = (RichColor.parse("black"), RichColor.parse("bright_white"))
XTERM: Final = TerminalTheme(
    background=(0, 0, 0),
    foreground=(229, 229, 229),
    normal=[
        *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0)),
        *((0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    ],
    bright=[
        *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0)),
        *((92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255)),
    ],
)
"""The colours of xterm, which others have, too, or brighter ones."""
_TEXT: Final = re.compile("[^\\s\u2500-\u259f\u2800-\u28ff]")
_REFERENCE: Final = re.compile(r"RFC (\d{3,5})(?: §(\d+(?:\.\d+)*)| appendix ([A-Z](?:\.\d+)*))?")


class Scrubbing(LineFilter):
    """Replaces what a terminal could obey in every painted line. Links and colours are styles: they stay.

    This is the second layer of text safety. The first is `safe_line` and `safe_text` where data enters a
    widget; it makes such characters visible. This one only has to hold where someone forgot, so it keeps the
    width of the line and replaces.
    """

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


class Contrast(LineFilter):
    """Brings text nearer to white or black until it is readable.

    Of the terminal's own sixteen colours no one knows what they look like: text in one of them on another is
    judged by those of xterm, and none is dimmed as well. What is on the terminal's background stays.

    Themes and widgets choose colours one by one. A cursor or a search hit then lies over all of them, and
    Textual's own themes promise nothing. Boxes and bars are not text and stay as they are.
    """

    def __init__(self, least: float = READABLE) -> None:
        super().__init__()
        self._least = least

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [self._readable(segment) for segment in segments]

    def _readable(self, segment: Segment) -> Segment:
        text, style, control = segment
        if style is None or control:
            return segment
        better = _better(style, self._least)
        return segment if better is None or not _TEXT.search(text) else Segment(text, better)


def contrast(first: Color, other: Color) -> float:
    """Return the contrast between two colours, from 1 to 21, as WCAG defines it."""
    dark, light = sorted((_luminance(first), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


# A screen has few styles, and each segment of each frame asks.
@lru_cache(maxsize=4096)
def _better(style: Style, least: float) -> Style | None:
    """Return `style` with another text colour, or None if its own can be read."""
    if any(colour and colour.type is ColorType.STANDARD for colour in (style.color, style.bgcolor)):
        return _better_of_sixteen(style, least)
    text, behind = _fixed(style.color), _fixed(style.bgcolor)
    if text is None or behind is None or contrast(text, behind) >= least:
        return None
    # Towards the end that is further from the background; mixing keeps as much of the hue as can be.
    towards = max(WHITE, BLACK, key=lambda end: contrast(end, behind))
    steps = (text.blend(towards, step / _STEPS) for step in range(1, _STEPS))
    colour = next((step for step in steps if contrast(step, behind) >= least), towards)
    return style + Style(color=colour.rich_color)


def _better_of_sixteen(style: Style, least: float) -> Style | None:
    text, behind, better = style.color, style.bgcolor, style
    if style.dim and text is not None and not text.is_default:
        better += Style(dim=False)
    if behind is not None and behind.type is ColorType.STANDARD:
        unknown = text is None or text.is_default
        if unknown or contrast(_as_xterm(text), _as_xterm(behind)) < least:
            better += Style(color=max(_ENDS, key=lambda end: contrast(_as_xterm(end), _as_xterm(behind))))
    return None if better is style else better


def _as_xterm(colour: RichColor | None) -> Color:
    return Color(*(colour or RichColor.default()).get_truecolor(XTERM))


def _fixed(colour: RichColor | None) -> Color | None:
    """Return a colour that looks the same on every terminal, or None for one that the terminal chooses."""
    if colour is None or colour.type not in (ColorType.TRUECOLOR, ColorType.EIGHT_BIT):
        return None
    return Color.from_rich_color(colour)


def _luminance(colour: Color) -> float:
    # The curve of sRGB, and what each colour adds to the brightness (WCAG 2.2, relative luminance).
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class RfcLinks(LineFilter):
    """Links each RFC, or section of one, that a painted line names to its text at the RFC Editor."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if not any("RFC " in segment.text for segment in segments):
            return segments
        return [piece for segment in segments for piece in _linked(segment)]


def _linked(segment: Segment) -> Iterator[Segment]:
    text, style, control = segment
    if control or (style is not None and style.link):
        yield segment
        return
    position = 0
    for reference in _REFERENCE.finditer(text):
        number, section, appendix = reference.groups()
        fragment = f"#section-{section}" if section else ""
        if appendix:
            fragment = f"#appendix-{appendix}"
        link = Style(link=f"https://www.rfc-editor.org/rfc/rfc{number}{fragment}")
        if reference.start() > position:
            yield Segment(text[position : reference.start()], style)
        yield Segment(reference[0], link if style is None else style + link)
        position = reference.end()
    if position < len(text):
        yield Segment(text[position:], style)


class OneLink(LineFilter):
    """Gives all pieces of a link in a painted line one id, made of the address alone.

    A terminal takes two pieces for the same hyperlink (OSC 8) only if they have the same `id`; Rich gives
    each piece of a wrapped link an id of its own, so that a terminal marks and opens them one by one.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        if not any(segment.style is not None and segment.style.link for segment in segments):
            return segments
        return [
            Segment(segment.text, _with_id(segment.style), segment.control)
            if segment.style is not None and segment.style.link
            else segment
            for segment in segments
        ]


@lru_cache(maxsize=256)
def _id_of(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:12]


def _with_id(style: Style) -> Style:
    same = style.copy()
    same._link_id = _id_of(style.link or "")  # noqa: SLF001 - Rich has no public way to choose it
    return same


class FilterChain(LineFilter):
    """Applies `filters` one after the other.

    Textual copies each painted line once for each filter of a list, and looks each copy up at every repaint:
    that would double the time from a key to its page of a large document.
    """

    def __init__(self, filters: Sequence[LineFilter]) -> None:
        super().__init__()
        self.filters = tuple(filters)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        for line_filter in self.filters:
            segments = line_filter.apply(segments, background)
        return segments


class LineFilters:
    """Chooses the filters of an app, and returns them as one."""

    def __init__(self) -> None:
        self._scrubbing = Scrubbing()
        self._contrast, self._high_contrast, self._no_colour = Contrast(), Contrast(HIGH), NoColor()
        self._links = (RfcLinks(), OneLink())
        self._chain = FilterChain(())

    def of(self, defaults: Sequence[LineFilter], *, no_color: bool, high_contrast: bool) -> FilterChain:
        """Put the second layer of text safety before Textual's filters, and readable text after them."""
        # NO_COLOR removes every colour but keeps bold and reverse; Textual's own filter paints in grey.
        textual = [
            line_filter for line_filter in defaults if not isinstance(line_filter, (Monochrome, NoColor))
        ]
        colour: LineFilter = self._high_contrast if high_contrast else self._contrast
        if no_color:
            colour = self._no_colour
        filters = (self._scrubbing, *textual, colour, *self._links)
        if filters != self._chain.filters:  # Textual remembers what the same filter has returned
            self._chain = FilterChain(filters)
        return self._chain
