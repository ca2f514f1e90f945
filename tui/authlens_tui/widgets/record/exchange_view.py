"""One exchange to read: the request before and after it was sent, the response, and where the time went.

What a server sent is in a bordered region that says so. Everything is redacted unless a user asked to
see it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from authlens_core.explain.headers import HeaderContext
from authlens_core.explain.message import gives_tokens, jwts_in, member_meanings
from authlens_core.export.redaction import Redactor
from authlens_core.values.exchange import Exchange, WireFailure
from authlens_core.values.http_message import Request, Response
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line, prose
from authlens_tui.widgets.record.body_view import body_lines
from authlens_tui.widgets.record.header_table import (
    NameColumn,
    cut,
    header_lines,
    meaning_words,
    value_pieces,
)
from authlens_tui.widgets.record.jwt_lines import Verdicts, found_jwt_lines

_LONG_PAGE: Final = 800  # characters from which what a message means is before its body, if that is no JSON
_NAME_WIDTH: Final = 28  # cells of the members


def request_lines(
    request: Request,
    redactor: Redactor,
    *,
    raw: bool = False,
    now: datetime | None = None,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield the request as it is on the wire, start line, fields, body, and below it what that means.

    `raw` leaves the explanations out and the body as it was sent; `now` is the moment for countdowns,
    and `verdicts` are on the signatures of JWTs that were looked at.
    """
    url, body = redactor.text(request.url), redactor.body(request.body)
    yield line((f"{request.method} ", Tone.TITLE), *value_pieces(cut(url)), hang=4)
    yield from field_lines(request, redactor, raw=raw)
    if body.size:
        yield BLANK
        yield from body_lines(body, request.headers.media_type, raw=raw)
    if not raw:
        yield from meaning_lines(request, redactor, now=now, verdicts=verdicts)


def response_lines(
    exchange: Exchange,
    redactor: Redactor,
    *,
    raw: bool = False,
    now: datetime | None = None,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield the response as it was received, what it means, and what went wrong; see `request_lines`."""
    response = exchange.response
    if response is not None:
        status, shown = response.status, redactor.body(response.body)
        tone = Tone.GOOD if 200 <= status < 300 else Tone.WARNING if status < 500 else Tone.BAD
        yield line(
            (f"{response.http_version} ", Tone.MUTED),
            (str(status), tone),
            (f" {cut(redactor.text(response.reason))}", Tone.PLAIN),
        )
        yield from field_lines(response, redactor, raw=raw, received_at=exchange.ended_at)
        meaning = () if raw else tuple(meaning_lines(response, redactor, now=now, verdicts=verdicts))
        body = (BLANK, *body_lines(shown, response.media_type, raw=raw))
        # Below a web page of a hundred lines no one would find what the header fields hold.
        text = shown.text
        is_page = len(text) > _LONG_PAGE and text.lstrip()[:1] not in ("{", "[")
        yield from (*meaning, *body) if is_page else (*body, *meaning)
    if exchange.failure is not None:
        if response is not None:
            yield BLANK
        yield from failure_lines(exchange.failure)


def field_lines(
    message: Request | Response,
    redactor: Redactor,
    *,
    raw: bool = False,
    received_at: datetime | None = None,
) -> Iterator[Line]:
    """Return the header fields; unless `raw`, the meaningful ones with what is in them."""
    context = None if raw else HeaderContext(received_at, gives_tokens=gives_tokens(message))
    return header_lines(message.headers, redactor, context)


def meaning_lines(
    message: Request | Response,
    redactor: Redactor,
    *,
    now: datetime | None = None,
    verdicts: Verdicts | None = None,
) -> Iterator[Line]:
    """Yield what is below a message: what its members mean, and the JWTs in it, taken apart."""
    members = member_meanings(message)
    if members:
        yield BLANK
        yield line(("What the members mean", Tone.TITLE))
        column = NameColumn((name for name, _ in members), _NAME_WIDTH, indent=2)
        for name, meaning in members:
            yield column.line(name, (), meaning_words(meaning).strip())
    yield from found_jwt_lines(jwts_in(message), redactor, now or datetime.now(UTC), verdicts)


def failure_lines(failure: WireFailure, *, told: bool = False) -> Iterator[Line]:
    """Yield why there is no complete answer, and what to do; not what is `told` already."""
    if not told:
        yield line(
            (f"✖ failed ({failure.kind})  ", Tone.BAD), (failure.cause, Tone.TITLE), hang=2, words=True
        )
    if failure.may_have_arrived:
        yield prose("The server may have acted on the request: its result is unknown.", indent=2)
    if failure.cure and not told:
        yield line(("  fix   ", Tone.MUTED), (failure.cure, Tone.NOTE), hang=8, words=True)


def duration(seconds: float) -> str:
    """Return `seconds` in the unit that reads best, such as `41 ms`, `2.3 s` or `4:05`."""
    if seconds < 1:
        # A request on this machine may take less than a millisecond: `0 ms` would look like an error.
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.00095 else f"{seconds * 1000:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02}"
