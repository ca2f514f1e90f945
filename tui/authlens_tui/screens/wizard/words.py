"""The line under the wizard: what has happened, and which key leads on."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from authlens_core.access.browser_refusals import BROWSER_REFUSALS, refusal_on
from authlens_core.export.redaction import Redactor, redacted_request
from authlens_core.login.facts import Facts
from authlens_core.login.verdict import Why, why
from authlens_core.oauth.check import Severity
from authlens_core.oauth.check_id import CheckId
from authlens_core.oauth.http_message import Request
from authlens_core.oauth.jwt import parse_jwt
from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Stage, StageRecord, Trace
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.record.exchange_view import duration
from authlens_tui.words.durations import in_words

__all__ = [
    "authenticated_words",
    "cancelled_words",
    "failed_words",
    "next_words",
    "silent_words",
    "turned_away_words",
    "waiting_words",
    "with_keys",
]

_KEY: Final = "bold $text-primary"
_LONGEST_URL: Final = 150  # characters: two lines of a small screen
_MOST_WARNINGS: Final = 3
_LONGEST_WARNING: Final = 160  # characters
_LONGEST_PAGE: Final = 240  # characters of a page that turned somebody away
# What the command line calls what a key does here.
_FLAGS: Final = (
    ("h", re.compile(r"--redirect-host(?: [\w.]+\w(?: or localhost)?)?")),
    ("w", re.compile(r"(?<![\w-])--port\b(?: N)?")),
    ("e", re.compile(r"(?<![\w-])--(?:client-id(?: ID)?|resource|scope)\b")),
    ("C", re.compile(r"authlens login (?:URL --cloudflared|--cloudflared(?: URL)?)")),
    ("S", re.compile(r"authlens service-token add(?: URL)?")),
)
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
        " to run all, ",
        ("l", _KEY),
        " to read why it is there",
        *(() if shown else (", ", ("↓", _KEY), " to look at it first, ", ("]", _KEY), " to turn the tabs")),
        ".",
    )


def waiting_words(*, player: bool) -> Content:
    """Say what the person has to do now, with the key that does it where there is one."""
    by_itself = "This screen goes on by itself when the browser is back."
    if player:
        return Content.assemble(
            "Now you would sign in. Press ", ("s", _KEY), f" and the demo does it for you. {by_itself}"
        )
    return Content(f"Open the link in a browser and sign in. {by_itself}")


def turned_away_words(page: str) -> Content:
    """Say on which page the demo's person ended, what it means, and what a person would do.

    Args:
        page: the words of the page.
    """
    found = refusal_on(page)
    told = Content.assemble(
        ("! Nothing that can be used came back. ", "bold $text-warning"),
        "The browser shows: ",
        (f"“{safe_line(page, _LONGEST_PAGE)}”", "bold"),
    )
    if found is None:
        goes_on = "\nauthlens used nothing of it and goes on waiting. "
        return Content.assemble(told, goes_on, ("Esc", _KEY), " stops it.")
    return Content.assemble(
        told, f" {found.meaning}\n", ("→ ", "bold"), found.cure, " ", ("Esc", _KEY), " stops the wait."
    )


def silent_words(*, in_full: bool) -> Content:
    """Say what a browser that does not come back may be showing, and what to do about each."""
    rows = [
        Content.assemble("\n  ", (f"“{one.words}”", "bold"), f" → {one.cure if in_full else one.brief}")
        for one in BROWSER_REFUSALS
    ]
    return Content.assemble(
        ("Nothing came yet. ", "bold"), "What does the browser show? A refusal there never comes back:", *rows
    )


def authenticated_words(
    facts: Facts, trace: Trace, store_name: str, way_out: str, now: datetime, *, brief: bool = False
) -> Content:
    """Say that it works: what was earned, where it is kept, what it took, and what can be done next.

    Where it is to be `brief`, only what else is to be known, and the keys.
    """
    but = _warned(trace)
    told = (
        ("Earned", Content(_earned(facts, now))),
        ("Kept in", Content(store_name)),
        ("It took", Content(_took(trace))),
    )
    rows = (
        *(("But", Content.styled(words, "$text-warning")) for words in (but[:1] if brief else but)),
        *(() if brief else told),
        (
            "Next",
            Content.assemble(
                ("i", _KEY),
                " try an attack   ",
                ("m", _KEY),
                " save this   ",
                ("d", _KEY),
                f" on to {way_out}",
            ),
        ),
    )
    return Content.assemble(
        ("✔ Authenticated. ", "bold $text-success"),
        f"{safe_line(facts.resource_url.text, _LONGEST_URL)} accepts the token.",
        *(Content.assemble("\n  ", (f"{name:<9}", "$text-muted"), words) for name, words in rows),
    )


def _warned(trace: Trace) -> tuple[str, ...]:
    """Return what the stages of the login warned of, the last one first, in four lines at the most."""
    latest = [record for stage in reversed(LOGIN_STAGES) if (record := trace.latest(stage)) is not None]
    found = [
        f"{STAGE_INFO[record.stage].title}: {safe_line(check.seen, _LONGEST_WARNING)}"
        for record in latest
        for check in record.checks
        if check.severity is Severity.WARNING
    ]
    more = len(found) - _MOST_WARNINGS
    rest = (f"{more} more: ! marks the stages, ] turns to their Checks",) if more > 0 else ()
    return (*found[:_MOST_WARNINGS], *rest)


def _earned(facts: Facts, now: datetime) -> str:
    if facts.tokens is None:
        return "a token"
    kind = "a JWT" if parse_jwt(facts.tokens.access_token) is not None else "opaque"
    left = (facts.expires_at - now).total_seconds() if facts.expires_at else 0
    lasts = f", {in_words(left)} left" if left > 0 else ", ended" if facts.expires_at else ""
    if facts.tokens.refresh_token is None:
        return f"an access token ({kind}{lasts}), no refresh token"
    return f"an access token ({kind}{lasts}) and a refresh token"


def _took(trace: Trace) -> str:
    requests = sum(len(record.exchanges) for record in trace.records)
    wire = sum(exchange.elapsed for record in trace.records for exchange in record.exchanges)
    return f"8 stages, {requests} requests, {duration(wire)} on the wire: ↑ ↓ show each, ] its tabs"


def cancelled_words(record: StageRecord, ways: Sequence[tuple[str, str]]) -> Content:
    """Say what was stopped, and the keys that lead on."""
    waited = next((c for c in record.checks if c.name == CheckId.AUTHORIZATION_STOPPED), None)
    came = Content("") if waited is None else Content(f"Until then: {waited.seen}. ")
    return Content.assemble((f"■ {STAGE_INFO[record.stage].title} stopped. ", "bold"), came, _keys(ways))


def failed_words(
    record: StageRecord, ways: Sequence[tuple[str, str]], *, brief: bool = False, told_above: bool = False
) -> Content:
    """Say which stage failed, why, what cures it, the keys that lead on, and the lines that show it.

    The lines come last, and not at all where it is to be `brief`; of an answer that is not known they are
    the point. Where all that is `told_above` already, only the keys are said.
    """
    reason = why(record)
    title = (f"✖ {STAGE_INFO[record.stage].title} failed. ", "bold $text-error")
    if reason is None:
        return Content.assemble(title, _keys(ways))
    if told_above:
        return Content.assemble(title, "Above stands why, and what to do about it.\n", _keys(ways))
    told = with_keys(reason.cure, {key for key, _ in ways})
    cure = Content.assemble(("\n→ ", "bold"), Content(told)) if told else Content()
    seen = Content() if brief and reason.known else _seen(reason)
    first, last = (Content(), seen) if reason.known else (seen, Content())
    return Content.assemble(title, Content(reason.cause), first, cure, "\n", _keys(ways), last)


def with_keys(cure: str, keys: Collection[str]) -> str:
    """Return a cure that names flags of the command line with the key beside each that does it here."""
    for key, flag in _FLAGS:
        if key in keys:
            cure = flag.sub(rf"\g<0> (here: {key})", cure)
    return cure


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
