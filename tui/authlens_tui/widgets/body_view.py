"""A message body to read: JSON laid out and coloured, a form one field a line, the rest as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.export.pretty_json import TokenKind, is_json, json_tokens, pretty_json
from authlens_core.export.redaction import BodyKind, ShownBody
from authlens_core.oauth.http_message import FORM_TYPE
from authlens_core.safe_text import safe_text
from authlens_tui.widgets.document import DocumentView
from authlens_tui.widgets.header_table import value_pieces
from authlens_tui.widgets.lines import MAX_ROWS, Line, Piece, Tone, line

__all__ = ["BodyView", "body_lines"]

_MAX_SHOWN: Final = 1_500_000  # characters
_MAX_COLOURED: Final = 4_000  # characters of one line
_MAX_FIELDS: Final = 200
_LITERALS: Final = frozenset({"true", "false", "null"})


@dataclass(frozen=True)
class JsonLine(Line):
    """A line of laid out JSON, whose names, texts and numbers are told apart when it is drawn."""

    def toned(self) -> tuple[Piece, ...]:
        """The line's text by the kinds of its tokens."""
        return tuple(_json_pieces(self.text))


class BodyView(DocumentView):
    """Shows a body."""

    def show_body(self, body: ShownBody, media_type: str = "", *, raw: bool = False) -> None:
        """Show `body`; `raw` leaves it exactly as it was sent."""
        self.show(body_lines(body, media_type, raw=raw))


def body_lines(body: ShownBody, media_type: str = "", *, raw: bool = False) -> Iterator[Line]:
    """Yield the lines of `body`, cut at 1,500,000 characters or 20,000 lines with a word about the rest."""
    if body.kind is BodyKind.EMPTY:
        yield line(("(no body)", Tone.MUTED))
    elif body.kind is BodyKind.BINARY:
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
    clean = safe_text(pretty_json(shown, max_lines=MAX_ROWS) if json else shown, _MAX_SHOWN * 3)
    rows = clean.split("\n")
    for row in rows[:MAX_ROWS]:
        yield JsonLine(line(row).pieces, _hang(row)) if json else line(*value_pieces(row))
    if len(rows) > MAX_ROWS:
        yield line((f"… more lines than the {MAX_ROWS:,} shown; export the session to see all", Tone.NOTE))
    if len(text) > _MAX_SHOWN:
        yield line((f"… {len(text) - _MAX_SHOWN:,} more characters", Tone.NOTE))


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
        yield line((f"… {len(fields) - _MAX_FIELDS:,} more fields", Tone.NOTE))


def _json_pieces(row: str) -> Iterator[Piece]:
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


def _hang(row: str) -> int:
    return min(len(row) - len(row.lstrip(" ")) + 4, 24)
