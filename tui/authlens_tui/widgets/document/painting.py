"""Draws the rows of a document: tones, matches, the selection, the marked line."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from authlens_tui.widgets.document.lines import Row, Tone
from authlens_tui.widgets.document.matches import Match, Matches
from authlens_tui.widgets.line_view import LineView

_PREFIX: Final = "document--"
COMPONENTS: Final = {_PREFIX + tone for tone in Tone} | {
    _PREFIX + part for part in ("selection", "cursor", "match", "current-match")
}
STYLES: Final = """
DocumentView {
    overflow-x: hidden; overflow-y: auto;
    scrollbar-gutter: stable; scrollbar-size-vertical: 1;
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
    & > .document--you { color: $actor-you; }
    & > .document--browser { color: $actor-browser; }
    & > .document--resource { color: $actor-resource; }
    & > .document--server { color: $actor-server; }
    & > .document--provider { color: $actor-provider; }
    & > .document--selection { background: $primary 50%; }
    & > .document--cursor { background: $primary 30%; }
    & > .document--match { background: $warning 40%; }
    & > .document--current-match { text-style: reverse bold; }
}
"""


class RowPainter:
    """Paints rows in the component styles of `view`."""

    def __init__(self, view: LineView) -> None:
        self._view = view

    def text(self, row: Row, line: int, matches: Matches) -> Strip:
        """Return the text of a row of line `line` with the matches styled that it shows."""
        strip = Strip([Segment(text, self._tone(tone)) for text, tone in row.pieces()])
        for match in matches.on_line(line):
            if match.start < row.end and match.end > row.start:
                part = "current-match" if match is matches.current else "match"
                strip = _over_match(strip, row, match, self._blended(part))
        return strip

    def selected(self, strip: Strip, number: int) -> Strip:
        selection = self._view.text_selection
        span = selection.get_span(number) if selection is not None else None
        if span is None:
            return strip
        start, end = span
        return _over_cells(strip, start, strip.cell_length if end == -1 else end, self._blended("selection"))

    def with_gutter(self, strip: Strip, sign: str, gutter: int) -> Strip:
        """Return the strip with `sign` in a gutter of `gutter` cells before it."""
        lead = Segment(f"{sign:<{gutter}}", self._tone(Tone.NOTE))
        return Strip([lead, *strip], gutter + strip.cell_length)

    def marked(self, strip: Strip) -> Strip:
        return _over(strip, self._blended("cursor"))

    def _tone(self, tone: Tone) -> Style:
        return self._view.base_style + self._style(tone)

    def _style(self, part: str) -> Style:
        return self._view.get_component_rich_style(_PREFIX + part, partial=True)

    def _blended(self, part: str) -> Style:
        """Return a style to lie over text, blended here: a Rich style has no transparency."""
        style = self._style(part)
        colour = self._view.get_component_styles(_PREFIX + part).background
        if style.bgcolor is None or colour.a == 1 or colour.ansi is not None:
            return style
        return style + Style(bgcolor=(self._view.background_colors[1] + colour).rich_color)


def _over_match(strip: Strip, row: Row, match: Match, style: Style) -> Strip:
    text = row.line.text
    start = row.indent + cell_len(text[row.start : max(row.start, match.start)])
    end = row.indent + cell_len(text[row.start : min(row.end, match.end)])
    return _over_cells(strip, start, end, style)


def _over_cells(strip: Strip, start: int, end: int, style: Style) -> Strip:
    before, middle, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, strip.cell_length)
    return Strip.join([before, _over(middle, style), after])


def _over(strip: Strip, style: Style) -> Strip:
    return Strip([Segment(text, (own or Style.null()) + style, control) for text, own, control in strip])
