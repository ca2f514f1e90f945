"""A message body to read: JSON laid out and coloured, a form one field a line, the rest as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.pretty_json import TokenKind, is_json, json_tokens, pretty_json
from authlens_core.export.redaction import ShownBody
from authlens_core.values.http_message import FORM_TYPE
from authlens_core.values.safe_text import safe_text
from authlens_tui.widgets.document.lines import LazyLines, Line, Piece, Tone, line
from authlens_tui.widgets.record.header_table import value_pieces

_MAX_SHOWN: Final = 2_000_000  # characters: more than the wire keeps of a body
_MAX_COLOURED: Final = 4_000  # characters of one line
_MAX_FIELDS: Final = 2_000
_EXPORT: Final = "`authlens export` has them all"
_LITERALS: Final = frozenset({"true", "false", "null"})


@dataclass(frozen=True)
class JsonLine(Line):
    """A line of laid out JSON, whose names, texts and numbers are distinguished when it is drawn."""

    gutter = 2

    @cached_property
    def drawn(self) -> tuple[Piece, ...]:
        return tuple(_json_pieces(self.text))


def body_lines(body: ShownBody, media_type: str = "", *, raw: bool = False) -> Iterator[Line]:
    """Yield the lines of `body`: of text, one passage with them all, up to 2,000,000 characters.

    Args:
        media_type: how it was labelled, in lower case and without parameters.
        raw: true to leave it exactly as it was sent, neither decoded nor laid out.
    """
    if not body.size:
        yield line(("(no body)", Tone.MUTED))
    elif body.binary:
        yield line((f"{body.size:,} bytes that are not text", Tone.MUTED))
        yield from (line(row) for row in body.text.split("\n"))
    elif not raw and media_type == FORM_TYPE:
        yield from _form_lines(body.text)
    else:
        yield from _text_lines(body.text, raw=raw)
    if body.truncated:
        yield line((f"… cut after {body.size:,} bytes: the answer was longer than authlens reads", Tone.NOTE))


def _text_lines(text: str, *, raw: bool) -> Iterator[Line]:
    shown = text[:_MAX_SHOWN]
    json = not raw and len(text) <= _MAX_SHOWN and is_json(text)
    # Escapes make the text longer, and what is shown is not to be cut again because of them.
    clean = safe_text(pretty_json(shown) if json else shown, _MAX_SHOWN * 3)
    yield LazyLines((), texts=clean.split("\n"), make=_json_line if json else _text_line, json=json)
    if len(text) > _MAX_SHOWN:
        yield line((f"… {len(text) - _MAX_SHOWN:,} more characters; {_EXPORT}", Tone.NOTE))


def _json_line(text: str) -> Line:
    indent = len(text) - len(text.lstrip(" "))
    return JsonLine(line(text).pieces, hang=min(indent + 4, 24))


def _text_line(text: str) -> Line:
    return line(*value_pieces(text))


def _form_lines(text: str) -> Iterator[Line]:
    fields = text.split("&")
    for field in fields[:_MAX_FIELDS]:
        name, equals, value = field.partition("=")
        yield line(
            (unquote_plus(name), Tone.KEY),
            (" = " if equals else "", Tone.MUTED),
            *value_pieces(unquote_plus(value)),
            hang=4,
        )
    if len(fields) > _MAX_FIELDS:
        yield line((f"… {len(fields) - _MAX_FIELDS:,} more fields; {_EXPORT}", Tone.NOTE))


def _json_pieces(row: str) -> Iterator[Piece]:
    # To colour a line takes a style for each token, at each repaint.
    if len(row) > _MAX_COLOURED:
        yield from value_pieces(row)
        return
    tokens = list(json_tokens(row))
    for number, token in enumerate(tokens):
        following = tokens[number + 1].text if number + 1 < len(tokens) else ""
        if token.kind is TokenKind.STRING:
            yield from value_pieces(token.text, Tone.KEY if following == ":" else Tone.STRING)
        elif token.kind is TokenKind.OTHER:
            yield token.text, Tone.NOTE if token.text in _LITERALS else Tone.NUMBER
        else:
            yield token.text, Tone.MUTED if token.kind is TokenKind.PUNCTUATION else Tone.PLAIN
