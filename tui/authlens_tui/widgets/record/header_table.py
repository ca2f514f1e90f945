"""Header fields as they were on the wire, the meaningful ones taken apart; and the names before values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.explain.meanings import Explanation, HeaderContext, HeaderMeaning, explain_header
from authlens_core.export.redaction import MASKED, Redactor
from authlens_core.values.exchange import Headers
from authlens_tui.widgets.document.lines import Line, Piece, Tone, line

_MAX_FIELDS: Final = 200
MAX_NAME: Final = 200  # characters of a name
_MAX_VALUE: Final = 8_000
_HANG: Final = 4
_LEAD: Final = "    "
_PART_WIDTH: Final = 20


def header_lines(
    headers: Headers, redactor: Redactor, context: HeaderContext | None = None
) -> Iterator[Line]:
    """Yield at most 200 fields, masked; in a context, the meaningful ones with what is in them."""
    for name, value in headers.fields[:_MAX_FIELDS]:
        meaning = None if context is None else explain_header(name, value, context)
        # What has parts is taken apart below; one sentence alone fits beside the field.
        beside = "" if meaning is None or meaning.parts else meaning_words(meaning.meaning)
        yield line(
            (cut(name, MAX_NAME), Tone.NAME),
            (": ", Tone.MUTED),
            *value_pieces(cut(redactor.header(name, value))),
            (beside, Tone.MUTED),
            hang=_HANG,
            words=bool(beside),
        )
        if meaning is not None:
            yield from _below(meaning, redactor)
    more = len(headers.fields) - _MAX_FIELDS
    if more > 0:
        yield line((f"… {more} more fields", Tone.NOTE))


def _below(meaning: HeaderMeaning, redactor: Redactor) -> Iterator[Line]:
    if meaning.parts and meaning.meaning is not None:
        words = f"{_LEAD}{meaning_words(meaning.meaning).lstrip()}"
        yield line((words, Tone.MUTED), hang=_HANG, words=True)
    column = NameColumn((part.name for part in meaning.parts), _PART_WIDTH, indent=_HANG)
    for part in meaning.parts:
        value = redactor.member(part.name, part.value, secret=part.secret) if part.value else ""
        yield column.line(part.name, value_pieces(cut(value)), meaning_words(part.meaning))
    if meaning.problem:
        yield line((f"{_LEAD}! ", Tone.WARNING), meaning.problem, hang=_HANG + 2, words=True)


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
        return line((lead, Tone.NAME), *value, (remark, Tone.MUTED), hang=hang, words=True)


def meaning_words(meaning: Explanation | None) -> str:
    """Return what follows a value that has a meaning: the sentence, and where it is written."""
    return f"  {meaning.sentence}  {meaning.spec}" if meaning is not None else ""


def value_pieces(text: str, tone: Tone = Tone.PLAIN) -> Iterator[Piece]:
    """Yield `text` with the masks of secrets in it set off."""
    position = 0
    for mask in MASKED.finditer(text):
        if mask.start() > position:
            yield text[position : mask.start()], tone
        yield mask[0], Tone.SECRET
        position = mask.end()
    if position < len(text) or not text:
        yield text[position:], tone


def cut(text: str, most: int = _MAX_VALUE) -> str:
    """Return at most the first `most` characters of `text`, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"
