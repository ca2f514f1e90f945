"""Where each line of a document is on the screen, at one width and with some of it folded, and its painting.

Only how many rows each line takes is counted beforehand; a row itself is made when it is seen. So the layout
of a megabyte takes a fraction of a second, in any thread, and folding takes milliseconds.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import accumulate, chain
from textwrap import dedent
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style as VisualStyle

from authlens_tui.widgets.document.lines import (
    SMALLEST_WIDTH,
    TONE_STYLES,
    LazyLines,
    Line,
    LineList,
    Row,
    Tone,
    line,
    rows_of,
)
from authlens_tui.widgets.document.matches import Match, Matches
from authlens_tui.widgets.line_view import LineView

_KEPT: Final = 512  # lines whose rows are kept after they were seen
_LONG: Final = 4_096  # characters from which rows are worth keeping when they were counted


class Layout:
    """The rows of `lines` at `width` cells, 8 at least."""

    def __init__(self, lines: LineList, width: int) -> None:
        self.lines: Final = lines
        self.width: Final = max(width, SMALLEST_WIDTH)
        self._folded: dict[int, int] = {}
        self._seen: dict[int, tuple[Row, ...]] = {}
        self._costly: dict[int, tuple[Row, ...]] = {}
        # An array and not a list of objects: a body of a megabyte can have 100,000 lines.
        self._heights = array("l")
        for part in lines.parts:
            self._count(part)
        self._place()

    @property
    def height(self) -> int:
        return self._bottoms[-1] if self._bottoms else 0

    @property
    def folded(self) -> frozenset[int]:
        """The lines whose container is folded."""
        return frozenset(self._folded)

    def row(self, number: int) -> Row:
        shown = bisect_right(self._bottoms, number)
        top = self._bottoms[shown - 1] if shown else 0
        return self._rows(self._line_at(shown))[number - top]

    def line_of_row(self, number: int) -> int:
        """Return which line row `number` is of; the last line for a row below the end."""
        if not self._bottoms:
            return 0
        return self._line_at(min(bisect_right(self._bottoms, number), len(self._bottoms) - 1))

    def rows_of_line(self, number: int) -> range:
        """Return the rows of line `number`; where it is folded away, of the line that shows the fold."""
        shown = self._place_of(number)
        return range(self._bottoms[shown - 1] if shown else 0, self._bottoms[shown])

    def row_of_character(self, number: int, character: int) -> int:
        rows = self.rows_of_line(number)
        for row in rows:
            if self.row(row).end > character:
                return row
        return rows[-1]

    def step(self, number: int, by: int) -> int:
        """Return the line `by` visible lines after (or before) line `number`."""
        shown = self._place_of(number) + by
        return self._line_at(max(0, min(shown, len(self._bottoms) - 1)))

    def selected_text(self, selection: Selection) -> str:
        """Return the selected text as it was before wrapping."""
        first = 0 if selection.start is None else selection.start.y
        last = self.height - 1 if selection.end is None else selection.end.y
        parts: list[str] = []
        for number in range(max(0, first), min(last, self.height - 1) + 1):
            row, span = self.row(number), selection.get_span(number)
            if span is None:
                continue
            start, end = span
            if parts and not row.continues:
                parts.append("\n")
            begin = max(start, row.indent if row.continues else 0)
            # Without the hanging indent, which is only of the painting.
            parts.append(row.text[begin : None if end == -1 else end])
        return "".join(parts)

    # -- folding ---------------------------------------------------------------------------------------

    def can_fold(self, number: int) -> bool:
        """Say whether line `number` begins an object or array of laid out JSON."""
        return self._end_of(number) is not None

    def toggle(self, number: int) -> bool:
        """Fold what line `number` begins, or unfold it; return whether anything changed."""
        end = self._end_of(number)
        if end is None:
            return False
        if self._folded.pop(number, None) is None:
            self._folded[number] = end
        self._place()
        return True

    def enclosing(self, number: int) -> int | None:
        """Return the line that begins the container around line `number`."""
        if not 0 <= number < len(self.lines):
            return None
        part, first = self.lines.part(number)
        around = part.containers.around(number - first) if isinstance(part, LazyLines) else None
        return None if around is None else first + around

    def toggle_all(self) -> None:
        """Unfold everything, or where nothing is folded, fold all members of the outermost container."""
        if self._folded:
            self._folded.clear()
        else:
            for first, part in self.lines.passages():
                for start in part.containers.members:
                    self._folded[first + start] = first + part.containers.ends[start]
        self._place()

    def reveal(self, number: int) -> bool:
        """Unfold whatever hides line `number`; return whether anything did."""
        hiding = [start for start, end in self._folded.items() if start < number <= end]
        for start in hiding:
            del self._folded[start]
        if hiding:
            self._place()
        return bool(hiding)

    def fold(self, starts: frozenset[int]) -> None:
        """Fold again what was folded in a layout of the same lines at another width."""
        for start in starts:
            end = self._end_of(start)
            if end is not None:
                self._folded[start] = end
        if starts:
            self._place()

    @property
    def foldable(self) -> bool:
        return any(part.json for _, part in self.lines.passages())

    def text_from(self, number: int) -> str:
        """Return the JSON of line `number` with all that begins on it; empty for other text."""
        part, _ = self.lines.part(number)
        if not (isinstance(part, LazyLines) and part.json):
            return ""
        end = self._end_of(number)
        texts = self.lines.texts[number : (number if end is None else end) + 1]
        # The comma belongs to the container around it: without it, what is copied is JSON.
        return dedent("\n".join(texts)).strip().removesuffix(",")

    def _end_of(self, number: int) -> int | None:
        if not 0 <= number < len(self.lines):
            return None
        part, first = self.lines.part(number)
        end = part.containers.ends.get(number - first) if isinstance(part, LazyLines) else None
        return None if end is None else first + end

    # -- counting --------------------------------------------------------------------------------------

    def _count(self, part: Line) -> None:
        if not isinstance(part, LazyLines):
            self._heights.append(self._height(part, len(self._heights)))
            return
        # Most lines of a body are short and ASCII: counting those without a `Line` makes a megabyte bearable.
        width = self.width - part.make("").gutter
        _ = part.containers  # found now, in whatever thread this is
        for text in part.texts:
            # Beyond ASCII a character can be two cells wide or none.
            short = len(text) <= width and text.isascii()
            self._heights.append(1 if short else self._height(part.make(text), len(self._heights)))

    def _height(self, line: Line, number: int) -> int:
        width = self.width - line.gutter
        over = len(line.text) - width
        # One cell for each character, and rows that end anywhere: the number of rows is a division.
        if line.text.isascii() and (over <= 0 or not line.words):
            inner = width - min(line.hang, width // 2)
            return 1 + max(0, -(-over // inner))
        rows = tuple(rows_of(line, width))
        if len(line.text) >= _LONG:
            self._costly[number] = rows
        return len(rows)

    def _rows(self, number: int) -> tuple[Row, ...]:
        rows = self._seen.get(number) or (self._costly.get(number) if number not in self._folded else None)
        if rows is None:
            line = self._shown(number)
            rows = tuple(rows_of(line, self.width - line.gutter))
            # All at once: what is in view is made again in a moment, and needs no order of use.
            if len(self._seen) >= _KEPT:
                self._seen.clear()
            self._seen[number] = rows
        return rows

    def _shown(self, number: int) -> Line:
        """Return line `number`; of a folded container all that there is between its brackets is a count."""
        whole = self.lines.line(number)
        end = self._folded.get(number)
        if end is None:
            return whole
        words, rest = self._instead(number, end)
        return _Folded((*whole.drawn, *line((words, Tone.NOTE), (rest, Tone.MUTED)).pieces), whole.hang)

    def _instead(self, number: int, end: int) -> tuple[str, str]:
        """Return what a folded container shows instead of its members, and how it ends."""
        count = end - number - 1
        return f" {count:,} line{'s' if count != 1 else ''} ", self.lines.texts[end].strip()

    def _folded_height(self, number: int, end: int) -> int:
        text = self.lines.texts[number]
        if (
            text.isascii()
            and len(text) + sum(map(len, self._instead(number, end))) <= self.width - _Folded.gutter
        ):
            return 1
        return len(self._rows(number))

    def _place(self) -> None:
        self._seen.clear()
        spans: list[range] = []
        start = 0
        for fold, end in sorted(self._folded.items()):
            # A fold within a fold is hidden already.
            if fold >= start:
                spans.append(range(start, fold + 1))
                start = end + 1
        spans.append(range(start, len(self.lines)))
        self._spans = [span for span in spans if span]
        self._first_places = [0, *accumulate(len(span) for span in self._spans)]
        own = {fold: self._heights[fold] for fold in self._folded}
        # A line that says how much is folded may take more rows than its own text does.
        for fold in own:
            self._heights[fold] = self._folded_height(fold, self._folded[fold])
        heights = chain.from_iterable(self._heights[span.start : span.stop] for span in self._spans)
        self._bottoms = list(accumulate(heights))
        # The heights are those of unfolded lines, for the next time.
        for fold, height in own.items():
            self._heights[fold] = height

    def _line_at(self, shown: int) -> int:
        span = bisect_right(self._first_places, shown) - 1
        return self._spans[span][shown - self._first_places[span]]

    def _place_of(self, number: int) -> int:
        span = bisect_right(self._spans, number, key=lambda numbers: numbers.start) - 1
        within = min(number - self._spans[span].start, len(self._spans[span]) - 1)
        return self._first_places[span] + within


class _Folded(Line):
    """The one line of a folded container."""

    gutter = 2


_PREFIX: Final = "document--"
COMPONENTS: Final = {_PREFIX + part for part in ("selection", "cursor", "match", "current-match")}


class RowPainter:
    """Paints rows of `view`: text in the style of its tone, what lies over it in the component styles."""

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
        return self._view.base_style + VisualStyle.parse(TONE_STYLES[tone]).rich_style

    def _blended(self, part: str) -> Style:
        """Return a style to lie over text, blended here: a Rich style has no transparency."""
        style = self._view.get_component_rich_style(_PREFIX + part, partial=True)
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
