"""One exchange to read: the request before and after it was sent, the response, and where the time went.

What a server sent is in a bordered region that says so. Everything is redacted unless a user asked to
see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final
from urllib.parse import unquote_plus

from authlens_core.explain.meanings import HeaderContext, HeaderMeaning, explain_header
from authlens_core.explain.message import gives_tokens, jwts_in, member_meanings
from authlens_core.export.pretty_json import TokenKind, is_json, json_tokens, pretty_json
from authlens_core.export.redaction import RedactedBody, Redactor
from authlens_core.trace.record import Exchange, Request, Response
from authlens_core.values.safe_text import safe_text
from authlens_tui.widgets.document.lines import BLANK, LazyLines, Line, Piece, Tone, line, prose
from authlens_tui.widgets.record.jwt_lines import Verdicts, found_jwt_lines
from authlens_tui.widgets.record.pieces import (
    MAX_NAME,
    NameColumn,
    cut,
    labelled,
    meaning_words,
    more_lines,
    url_pieces,
    value_pieces,
)
from authlens_tui.widgets.record.signs import status_tone

_MAX_HEADERS: Final = 200
_HANG: Final = 4
_LEAD: Final = "    "
_PART_WIDTH: Final = 20
_LONG_PAGE: Final = 800  # characters from which what a message means is before its body, if that is no JSON
_NAME_WIDTH: Final = 28  # cells of the members
_MAX_SHOWN: Final = 2_000_000  # characters: more than the wire keeps of a body
_MAX_COLOURED: Final = 4_000  # characters of one line
_MAX_FIELDS: Final = 2_000
_EXPORT: Final = "`authlens export` has them all"
_LITERALS: Final = frozenset({"true", "false", "null"})


def request_lines(
    request: Request,
    redactor: Redactor,
    *,
    raw: bool = False,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield the request as on the wire: start line, fields and body; then its meaning.

    `raw` leaves the explanations out and the body as it was sent; `verdicts` are on the signatures of JWTs
    that were looked at.
    """
    url, body = redactor.text(request.url), redactor.body(request.body)
    yield line((f"{request.method} ", Tone.TITLE), *url_pieces(cut(url)), hang=4)
    yield from header_lines(request.headers.fields, redactor, None if raw else _context(request))
    if body.size:
        yield BLANK
        yield from body_lines(body, is_form=request.headers.is_form, raw=raw)
    if not raw:
        yield from meaning_lines(request, redactor, verdicts)


def response_lines(
    exchange: Exchange,
    redactor: Redactor,
    *,
    raw: bool = False,
    verdicts: Verdicts | None = None,
    failed: bool = False,
) -> Iterator[Line]:
    """Yield the response as it was received, its meaning, and its failure; see `request_lines`.

    `failed` is for the response at which a stage failed.
    """
    response = exchange.response
    if response is not None:
        status, content = response.status, redactor.body(response.body)
        tone = status_tone(status, failed=failed)
        yield line(
            (f"{response.http_version} ", Tone.MUTED),
            (str(status), tone),
            (f" {cut(redactor.text(response.reason))}", Tone.PLAIN),
        )
        context = None if raw else _context(response, exchange.ended_at)
        yield from header_lines(response.headers.fields, redactor, context)
        meaning = () if raw else tuple(meaning_lines(response, redactor, verdicts))
        body = (BLANK, *body_lines(content, is_form=response.headers.is_form, raw=raw))
        # Below a web page of a hundred lines no one would find what the header fields hold.
        text = content.text
        is_page = len(text) > _LONG_PAGE and text.lstrip()[:1] not in ("{", "[")
        yield from (*meaning, *body) if is_page else (*body, *meaning)
    if exchange.failure is not None and response is not None:
        yield BLANK
    yield from failure_lines(exchange)


def _context(message: Request | Response, received_at: datetime | None = None) -> HeaderContext:
    return HeaderContext(received_at, gives_tokens=gives_tokens(message))


def header_lines(
    fields: Sequence[tuple[str, str]], redactor: Redactor, context: HeaderContext | None = None
) -> Iterator[Line]:
    """Yield at most 200 fields, masked; in a context, the meaningful ones with what is in them."""
    for name, value in fields[:_MAX_HEADERS]:
        meaning = None if context is None else explain_header(name, value, context)
        # What has parts is taken apart below; one sentence alone fits beside the field.
        beside = "" if meaning is None or meaning.parts else meaning_words(meaning.meaning)
        yield line(
            (cut(name, MAX_NAME), Tone.NAME),
            (": ", Tone.MUTED),
            *value_pieces(cut(redactor.header(name, value))),
            (beside, Tone.MUTED),
            hang=_HANG,
            by_words=bool(beside),
        )
        if meaning is not None:
            yield from _below(meaning, redactor)
    yield from more_lines(len(fields) - _MAX_HEADERS, " fields")


def _below(meaning: HeaderMeaning, redactor: Redactor) -> Iterator[Line]:
    if meaning.parts and meaning.meaning is not None:
        sentence = f"{_LEAD}{meaning_words(meaning.meaning).lstrip()}"
        yield line((sentence, Tone.MUTED), hang=_HANG, by_words=True)
    column = NameColumn((piece.name for piece in meaning.parts), _PART_WIDTH, indent=_HANG)
    for piece in meaning.parts:
        value = redactor.member(piece.name, piece.value, secret=piece.secret) if piece.value else ""
        yield column.line(piece.name, value_pieces(cut(value)), meaning_words(piece.meaning))
    if meaning.problem:
        yield line((f"{_LEAD}! ", Tone.WARNING), meaning.problem, hang=_HANG + 2, by_words=True)


def meaning_lines(
    message: Request | Response, redactor: Redactor, verdicts: Verdicts | None
) -> Iterator[Line]:
    """Yield the meanings of a message's members, and the JWTs in it, decoded."""
    members = member_meanings(message)
    if members:
        yield BLANK
        yield line(("What the fields mean", Tone.TITLE))
        column = NameColumn((name for name, _ in members), _NAME_WIDTH, indent=2)
        for name, meaning in members:
            yield column.line(name, (), meaning_words(meaning).strip())
    yield from found_jwt_lines(jwts_in(message), redactor, verdicts)


def failure_lines(exchange: Exchange, *, explained: bool = False) -> Iterator[Line]:
    """Yield why a complete response is missing, and the fix, unless both are `explained` already."""
    if (failure := exchange.failure) is None:
        return
    if not explained:
        yield line(
            (f"✖ failed ({failure.kind})  ", Tone.BAD), (failure.cause, Tone.TITLE), hang=2, by_words=True
        )
    if failure.may_have_arrived:
        yield prose("The server may have acted on the request: its result is unknown.", indent=2)
    if failure.cure and not explained:
        yield labelled("fix", failure.cure, Tone.NOTE, indent=2)


class JsonLine(Line, frozen=True, dict=True):
    """A line of laid out JSON, whose names, texts and numbers are distinguished when it is drawn."""

    gutter = 2

    @cached_property
    def drawn(self) -> tuple[Piece, ...]:
        return tuple(_json_pieces(self.text))


def body_lines(body: RedactedBody, *, is_form: bool = False, raw: bool = False) -> Iterator[Line]:
    """Yield the lines of `body`: of text, one passage with them all, up to 2,000,000 characters.

    Args:
        is_form: whether it was labelled as one.
        raw: true to leave it exactly as it was sent, neither decoded nor laid out.
    """
    if not body.size:
        yield line(("(no body)", Tone.MUTED))
    elif body.binary:
        yield line((f"{body.size:,} bytes that are not text", Tone.MUTED))
        yield from (line(row) for row in body.text.split("\n"))
    elif not raw and is_form:
        yield from _form_lines(body.text)
    else:
        yield from _text_lines(body.text, raw=raw)
    if body.truncated:
        yield line((f"… cut after {body.size:,} bytes: the answer was longer than authlens reads", Tone.NOTE))


def _text_lines(text: str, *, raw: bool) -> Iterator[Line]:
    visible = text[:_MAX_SHOWN]
    # Half a document is no JSON, so a text that would be cut is shown as it is.
    json = not raw and len(text) <= _MAX_SHOWN and is_json(text)
    # Escapes make the text longer, and what is shown is not to be cut again because of them.
    clean = safe_text(pretty_json(visible) if json else visible, _MAX_SHOWN * 3)
    yield LazyLines((), texts=clean.split("\n"), make=_json_line if json else _text_line, json=json)
    yield from more_lines(len(text) - _MAX_SHOWN, f" characters; {_EXPORT}")


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
    yield from more_lines(len(fields) - _MAX_FIELDS, f" fields; {_EXPORT}")


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
