"""The line under the wizard: what has happened, and which key leads on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from textual.content import Content

from authlens_core.export.redaction import Redactor, redacted_request
from authlens_core.login.facts import Facts
from authlens_core.login.verdict import Why, why
from authlens_core.oauth.http_message import Request
from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.trace.stage_info import STAGE_INFO
from authlens_tui.durations import in_words

__all__ = ["authenticated_words", "cancelled_words", "failed_words", "next_words"]

_KEY: Final = "bold $text-primary"
_LONGEST_URL: Final = 150  # characters: two lines of a small screen
_MOST_SEEN: Final = 3  # lines of evidence beside the CF-Ray
_LONGEST_SEEN: Final = 110  # characters of one of them


def next_words(stage: Stage, request: Request | None, *, shown: bool) -> Content:
    """Say which stage comes next, what it would send, and the keys that run it.

    Where it is not `shown` already, the key that shows it whole is said too.
    """
    info = STAGE_INFO[stage]
    sends = "it sends nothing itself"
    if request is not None:
        masked = redacted_request(request, Redactor(()))
        sends = f"{masked.method} {safe_line(masked.url, _LONGEST_URL)}"
        if stage is Stage.AUTHORIZATION:
            sends = "a link for your browser, and then a wait until it comes back"
    return Content.assemble(
        "Next: ",
        (f"{info.number} {info.title}", "bold"),
        f", {sends}\nPress ",
        ("n", _KEY),
        " to run it, ",
        ("a", _KEY),
        " to run all",
        *(() if shown else (", ", ("↓", _KEY), " to look at it first")),
        ".",
    )


def authenticated_words(facts: Facts, store_name: str, now: datetime) -> Content:
    """Say that it works, where the tokens are and how long they last."""
    lasts = (facts.expires_at - now).total_seconds() if facts.expires_at else 0
    left = f" The token lasts {in_words(lasts)}." if lasts > 0 else ""
    return Content.assemble(
        ("✔ Authenticated. ", "bold $text-success"),
        f"The resource accepts the token; it is kept in: {safe_line(store_name, 60)}.{left} ",
        ("d", _KEY),
        " opens the dashboard.",
    )


def cancelled_words(record: StageRecord, ways: Sequence[tuple[str, str]]) -> Content:
    """Say what was stopped, and the keys that lead on."""
    return Content.assemble((f"■ {STAGE_INFO[record.stage].title} stopped. ", "bold"), _keys(ways))


def failed_words(record: StageRecord, ways: Sequence[tuple[str, str]]) -> Content:
    """Say which stage failed, why, what cures it, the keys that lead on, and the lines that show it.

    A small screen cuts the end, so the lines come last; of an answer that is not known they are the point.
    """
    reason = why(record)
    title = (f"✖ {STAGE_INFO[record.stage].title} failed. ", "bold $text-error")
    if reason is None:
        return Content.assemble(title, _keys(ways))
    cure = Content.assemble(("\n→ ", "bold"), Content(reason.cure)) if reason.cure else Content()
    seen = _seen(reason)
    first, last = (Content(), seen) if reason.known else (seen, Content())
    return Content.assemble(title, Content(reason.cause), first, cure, "\n", _keys(ways), last)


def _seen(reason: Why) -> Content:
    """Quote what it was told from in a line; of an answer that is known, the status and what decided."""
    lines = reason.evidence
    if reason.known and len(lines) > _MOST_SEEN:
        rays = tuple(line for line in lines if line.startswith("cf-ray"))
        others = tuple(line for line in lines if line not in rays)
        lines = (*others[:_MOST_SEEN], *rays)
    longest = _LONGEST_SEEN if reason.known else None
    quoted = " · ".join(_cut(line, longest) for line in lines)
    return Content.assemble("\n", ("Seen: ", "bold"), (quoted, "$text-muted")) if quoted else Content()


def _cut(line: str, longest: int | None) -> str:
    return line if longest is None or len(line) <= longest else f"{line[:longest]}…"


def _keys(ways: Sequence[tuple[str, str]]) -> Content:
    pieces: list[Content] = []
    for number, (key, words) in enumerate(ways):
        lead = "Press " if number == 0 else " or " if number == len(ways) - 1 else ", "
        pieces.append(Content.assemble(lead, (key, _KEY), f" to {words}"))
    return Content.assemble(*pieces, "." if pieces else "")
