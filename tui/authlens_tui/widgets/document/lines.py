"""Lines of a document as values: pieces of clean text, each with a tone, how they wrap, and which fold.

Every string becomes a piece through `line` or `prose`, which pass it through `safe_line`. Nothing here is
ever read as markup.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Final

from msgspec import Struct
from rich.cells import cell_len

from authlens_core.values.safe_text import safe_line

MAX_LINE: Final = 8_000_000  # characters of one line that are shown: more than any body has
SMALLEST_WIDTH: Final = 8  # cells
_ALONE: Final = 4  # characters: fewer are not left alone on the last row of a line
_UNITS: Final = frozenset({"ms", "s", "min"})
_OPENING: Final = ("{", "[")
_CLOSING: Final = ("}", "]", "},", "],")


class Tone(StrEnum):
    """The kind of a piece of text; the value is its style in the theme."""

    # Not component classes: Textual makes a node for each of them in every view, at 6 KiB a node.
    PLAIN = ""
    TITLE = "bold $text-primary"
    NAME = "$text-primary"
    MUTED = "$quiet"
    GOOD = "$text-success"
    NOTE = "$text-accent"
    WARNING = "$text-warning"
    BAD = "bold $text-error"
    SECRET = "italic $text-accent"  # noqa: S105 - a tone, not a secret
    KEY = "$text-primary"
    STRING = "$text-success"
    NUMBER = "$text-accent"
    YOU = "$actor-you"
    BROWSER = "$actor-browser"
    RESOURCE = "$actor-resource"
    SERVER = "$actor-server"
    PROVIDER = "$actor-provider"


Piece = tuple[str, Tone]


class Line(Struct, frozen=True, dict=True):
    """One line before wrapping.

    Attributes:
        pieces: text and tone, already clean.
        hang: the column at which wrapped rows go on, so that they never look like a line of their own.
        by_words: true for prose, which breaks between words; data breaks anywhere.
    """

    gutter: ClassVar[int] = 0
    """Cells before every row of the line that are no part of its text: for a fold or a cursor."""

    pieces: tuple[Piece, ...]
    hang: int = 0
    by_words: bool = False

    @cached_property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    @cached_property
    def drawn(self) -> tuple[Piece, ...]:
        """The pieces as they are drawn; a line that is costly to tell apart does it only when it is seen."""
        return self.pieces

    @cached_property
    def containers(self) -> Containers:
        """The objects and arrays that begin here and can be folded."""
        return Containers({}, ())


class LazyLines(Line, frozen=True, dict=True):
    """Many lines of one text, each made only when it is seen: 200,000 lines cost no more than their text.

    It is among other lines; its own text is all of theirs.

    Attributes:
        json: true for JSON that was laid out, whose objects and arrays can be folded.
    """

    texts: Sequence[str] = ()
    make: Callable[[str], Line] = lambda text: Line(((text, Tone.PLAIN),))
    json: bool = False

    @cached_property
    def text(self) -> str:
        return "\n".join(self.texts)

    @cached_property
    def containers(self) -> Containers:
        return containers(self.texts) if self.json else super().containers


class LineList:
    """The lines of a document, with each line of a passage counted separately."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.parts: Final = tuple(lines)
        self.texts: Final[list[str]] = []
        self._starts: list[int] = []
        for block in self.parts:
            self._starts.append(len(self.texts))
            if isinstance(block, LazyLines):
                self.texts.extend(block.texts)
            else:
                self.texts.append(block.text)

    def __len__(self) -> int:
        return len(self.texts)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, LineList) and self.parts == other.parts)

    # By identity: the hash of a megabyte of text would cost as much as comparing it.
    __hash__ = object.__hash__

    def part(self, number: int) -> tuple[Line, int]:
        """Return the line or passage that contains line `number`, and the number of its first line."""
        index = bisect_right(self._starts, number) - 1
        return self.parts[index], self._starts[index]

    def passages(self) -> Iterator[tuple[int, LazyLines]]:
        for start, block in zip(self._starts, self.parts, strict=True):
            if isinstance(block, LazyLines):
                yield start, block

    def line(self, number: int) -> Line:
        """Return line `number`, made now if it is of a passage."""
        block, _ = self.part(number)
        return block.make(self.texts[number]) if isinstance(block, LazyLines) else block


class Row(Struct, frozen=True):
    """One row on the screen: the characters from `start` to `end` of a line, after `indent` spaces."""

    line: Line
    start: int
    end: int
    indent: int = 0

    @property
    def continues(self) -> bool:
        """True when the row above belongs to the same line."""
        return self.start > 0

    @property
    def text(self) -> str:
        return " " * self.indent + self.line.text[self.start : self.end]

    def pieces(self) -> Iterator[Piece]:
        if self.indent:
            yield " " * self.indent, Tone.PLAIN
        position = 0
        for text, tone in self.line.drawn:
            cut = text[max(0, self.start - position) : max(0, self.end - position)]
            if cut:
                yield cut, tone
            position += len(text)


def line(*pieces: Piece | str, hang: int = 0, by_words: bool = False) -> Line:
    """Make a line of pieces; a bare string is plain. Cleans the text and cuts what is too long, saying so."""
    toned = (piece if isinstance(piece, tuple) else (piece, Tone.PLAIN) for piece in pieces)
    return Line(tuple((safe_line(text, MAX_LINE), tone) for text, tone in toned), hang, by_words)


def prose(text: str, tone: Tone = Tone.PLAIN, *, indent: int = 0) -> Line:
    """Make a line of sentences, indented and broken between words."""
    return line((" " * indent + text, tone), hang=indent, by_words=True)


BLANK: Final = line("")


def rows_of(line: Line, width: int) -> list[Row]:
    """Break one line into rows of at most `width` cells, every one after the first as far in as it hangs."""
    text = line.text
    if len(text) <= width and text.isascii():
        return [Row(line, 0, len(text))]
    hang = min(line.hang, width // 2)
    rows: list[Row] = []
    start = 0
    while start < len(text) or not rows:
        indent = hang if rows else 0
        end = _fitting(text, start, width - indent)
        if line.by_words and end < len(text):
            end = _word_end(text, start if rows else line.hang, end)
        elif 0 < len(text) - end < _ALONE < end - start and width - hang >= 2 * _ALONE:
            end -= _ALONE  # a row of one quotation mark says nothing; together they fit on the next one
        rows.append(Row(line, start, end, indent))
        start = end
        # The space at which a row ends is not shown at the beginning of the next one.
        while line.by_words and start < len(text) and text[start] == " ":
            start += 1
    return rows


def _fitting(text: str, start: int, cells: int) -> int:
    """Return the end of a row of `cells` cells that begins at `start`; it has at least one character."""
    end = min(len(text), start + cells)
    if text[start:end].isascii():
        return end
    used, position = 0, start
    while position < end:
        used += cell_len(text[position])
        if used > cells:
            break
        position += 1
    return max(position, start + 1)


def _word_end(text: str, start: int, end: int) -> int:
    """Return the last place before `end` where a word may end, or `end` if one word fills the row."""
    if text[end] == " " and _may_break(text, end):
        return end
    space = text.rfind(" ", start, end)
    while space > start and not _may_break(text, space):
        space = text.rfind(" ", start, space)
    return space if space > start and text[start:space].strip() else end


def _may_break(text: str, space: int) -> bool:
    """Return whether a row may end at `space`: not within the name of a specification, `RFC 7636 §4.3`.

    Nor between a time and its unit.
    """
    before, after = text[max(0, space - 3) : space], text[space + 1 : space + 4]
    has_unit = before[-1:].isdigit() and after.rstrip(" ,.;") in _UNITS
    return not (before == "RFC" or after.startswith("§") or has_unit)


class Containers(Struct, frozen=True):
    """The objects and arrays of one JSON text that take more than one line.

    Laid out JSON says by its indentation where a container ends, so nothing needs to be parsed again.

    Attributes:
        ends: for the line on which each begins the line on which it ends, in the order of the lines.
        members: those right below the outermost one.
    """

    ends: dict[int, int]
    members: tuple[int, ...]

    def around(self, number: int) -> int | None:
        """Return the line that begins the innermost container around line `number`, or None."""
        outwards = reversed(self.ends.items())
        return next((start for start, end in outwards if start < number <= end), None)


def containers(texts: Sequence[str]) -> Containers:
    """Return the containers of laid out JSON, without those that are cut off at the end."""
    open_ones: list[int] = []
    ends: dict[int, int] = {}
    members: list[int] = []
    for number, text in enumerate(texts):
        if text.endswith(_OPENING):
            if len(open_ones) == 1:
                members.append(number)
            open_ones.append(number)
            ends[number] = -1
        elif open_ones and text.endswith(_CLOSING) and text.lstrip(" ") in _CLOSING:
            ends[open_ones.pop()] = number
    for cut_off in open_ones:
        del ends[cut_off]
    return Containers(ends, tuple(number for number in members if number in ends))
