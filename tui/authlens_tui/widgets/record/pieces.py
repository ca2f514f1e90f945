"""Pieces of the lines of a record: names before values, values with their masks, URLs with their parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from authlens_core.explain.meanings import Explanation
from authlens_core.export.redaction import MASKED
from authlens_tui.widgets.document.lines import Line, Piece, Tone, line, prose

_LABEL: Final = 6
MAX_NAME: Final = 200  # characters of a name
_MAX_VALUE: Final = 8_000
_LONGEST_URL: Final = 4_000  # characters that are told apart: each part is a style at every repaint
_URL: Final = re.compile(r"(?P<origin>[a-z][a-z0-9+.-]*://[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL)


class NameColumn:
    """The column of `names` before their values, after `indent` blanks: at most `widest` cells for all."""

    def __init__(self, names: Iterable[str], widest: int, indent: int = 0) -> None:
        self._indent = indent
        self._widest = widest
        self.width = min(widest, max(map(len, names), default=0))

    def line(self, name: str, value: Iterable[Piece], remark: str) -> Line:
        """Return a name with its value and a muted remark; what wraps goes on under the value."""
        lead = f"{' ' * self._indent}{cut(name, MAX_NAME):<{self.width}}  "
        hang = min(len(lead), self._indent + self._widest + 2)
        return line((lead, Tone.NAME), *value, (remark, Tone.MUTED), hang=hang, by_words=True)


class Cells:
    """One row of cells, each with a character that is one cell wide."""

    def __init__(self, width: int) -> None:
        self._cells: list[Piece] = [(" ", Tone.PLAIN)] * width

    def put(self, start: int, text: str, tone: Tone) -> None:
        """Write `text` from the cell `start` on; what lies outside the row is left out."""
        for cell, character in enumerate(text, start):
            if 0 <= cell < len(self._cells):
                self._cells[cell] = (character, tone)

    def pieces(self, end: int | None = None) -> Iterator[Piece]:
        """Yield the cells up to `end`, neighbours of one tone together."""
        for tone, group in groupby(self._cells[:end], key=lambda cell: cell[1]):
            yield "".join(character for character, _ in group), tone

    def line(self) -> Line:
        """Return the row without the blanks at its end."""
        used = [number for number, (character, _) in enumerate(self._cells, 1) if character != " "]
        return line(*self.pieces(max(used, default=1)))


def labelled(label: str, text: str, tone: Tone, *, indent: int, by_words: bool = True) -> Line:
    """Return `text` under a muted label of a word, such as `fix`; what wraps goes on under the text."""
    lead = f"{' ' * indent}{label:<{_LABEL}}"
    return line((lead, Tone.MUTED), *value_pieces(text, tone), hang=len(lead), by_words=by_words)


def meaning_words(meaning: Explanation | None) -> str:
    """Return the meaning of a value as text: the sentence and its specification."""
    return f"  {meaning.sentence}  {meaning.spec}" if meaning is not None else ""


def value_pieces(text: str, tone: Tone = Tone.PLAIN) -> Iterator[Piece]:
    """Yield `text` with the masks of secrets in it set off."""
    position = 0
    for mask in MASKED.finditer(text):
        yield text[position : mask.start()], tone
        yield mask[0], Tone.SECRET
        position = mask.end()
    yield text[position:], tone


def url_pieces(url: str) -> Iterator[Piece]:
    """Yield the parts of a masked URL; other text is plain."""
    match = _URL.fullmatch(url[:_LONGEST_URL])
    if match is None:
        yield from value_pieces(url)
        return
    yield from value_pieces(match["origin"], Tone.MUTED)
    yield from value_pieces(match["path"], Tone.PLAIN)
    for parameter in re.findall(r"[?&#][^?&#]*", match["rest"]):
        name, equals, value = parameter[1:].partition("=")
        yield parameter[0], Tone.MUTED
        yield from value_pieces(name, Tone.KEY)
        yield equals, Tone.MUTED
        yield from value_pieces(value, Tone.STRING)
    yield from value_pieces(url[_LONGEST_URL:])


def more_lines(count: int, what: str = "", *, indent: int = 0) -> Iterator[Line]:
    """Yield how many more there are than are shown, if there are any."""
    if count > 0:
        yield prose(f"… {count:,} more{what}", Tone.NOTE, indent=indent)


def cut(text: str, most: int = _MAX_VALUE) -> str:
    """Return at most the first `most` characters of `text`, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def cut_middle(text: str, cells: int) -> str:
    """Return `text` with its middle left out where it is longer: the end of a path says most."""
    if len(text) <= cells:
        return text
    if cells < 3:
        return text[: max(cells, 0)]
    head = (cells - 1) // 2
    return f"{text[:head]}…{text[len(text) - (cells - 1 - head) :]}"
