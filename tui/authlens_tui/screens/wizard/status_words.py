"""The line under the wizard: what has happened, and what comes next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.cells import cell_len

from authlens_core.desk.log_in import Experiment, Facts, Login, ended_in
from authlens_core.explain.message import page_meaning, refusal_pages
from authlens_core.export.redaction import Redactor
from authlens_core.trace.record import (
    AUTHORIZATION_CODE,
    LOGIN_STAGES,
    CheckId,
    Diagnosis,
    Flow,
    Request,
    Severity,
    Stage,
    StageRecord,
    Trace,
    sent_once,
)
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import Item, hanging_lines
from authlens_tui.widgets.record.checks_view import FixWords
from authlens_tui.words.times import duration, in_words

_KEY: Final = "bold $text-primary"
_LONGEST_URL: Final = 150  # characters: two lines of a small screen
_NAMES: Final = 12  # cells of the names before what was received
_MOST_WARNINGS: Final = 3
_LONGEST_WARNING: Final = 160  # characters
_LONGEST_PAGE: Final = 240  # characters of the page on which a sign-in ended
STEP_UP: Final = Content.assemble(
    "→ ", ("t", _KEY), " authorizes again with the scope that the resource wants."
)
_MOST_SEEN: Final = 3  # lines of evidence beside the CF-Ray
_LONGEST_SEEN: Final = 110  # characters of one of them


def device_words(*, polling: bool, player: bool = False) -> Content:
    """Return the next step with the device code.

    Args:
        polling: authlens asks for the tokens already.
        player: the demo can enter and approve the code.
    """
    if polling and player:
        return Content.assemble(
            "Enter the code on that page, or press ",
            ("s", _KEY),
            ": the demo approves it for you. This screen continues automatically.",
        )
    if polling:
        return Content("Open the page, enter the code and sign in. This screen continues automatically.")
    return Content.assemble("Enter the code on that page and press ", ("n", _KEY), " to ask for the tokens.")


def next_words(stage: Stage, request: Request | None, flow: Flow, width: int) -> Content:
    """Return the next stage and its purpose; for a `request` that is not shown, also what it sends."""
    sends = flow.info(stage).announces
    if request is not None and not sends:
        sends = f"{request.method} {_cut(Redactor().text(request.url), _LONGEST_URL)}"
    sentence = Content.assemble("Next: ", (flow.numbered(stage), "bold"), f"  {sends}")
    return Content.of(sentence.truncate(max(1, width), ellipsis=True))


def running_words(stage: Stage, flow: Flow) -> Content:
    return Content.assemble((f"▶ {flow.info(stage).title} …", "bold"))


def waiting_words(*, player: bool) -> Content:
    """Return the next step while the login waits for the browser; `player`: the demo can take it."""
    after = "This screen continues automatically."
    if player:
        return Content.assemble(
            "Sign in now, or press ", ("s", _KEY), f": the demo signs in for you. {after}"
        )
    return Content(f"Open the link in a browser and sign in. {after}")


def turned_away_words(page: str, host: str = "") -> Content:
    """Return the page on which the browser of the demo ended, its meaning, and the fix.

    Args:
        host: of the authorization server; a team's is named in what to do.
    """
    meaning = page_meaning(page, host)
    sentence = Content.assemble(
        ("! No usable answer. ", "bold $text-warning"),
        "The browser shows: ",
        Content.line(f"“{_cut(page, _LONGEST_PAGE)}”", "bold"),
    )
    if meaning is None:
        return Content.assemble(sentence, "\nauthlens ignored it and is still waiting.")
    return Content.assemble(sentence, f" {meaning.meaning}\n", ("→ ", "bold"), meaning.cure)


def silent_words(facts: Facts, *, in_full: bool) -> Content:
    """Return the pages that a browser that does not return may show, each with its fix."""
    host = "" if facts.issuer is None else facts.issuer.host
    rows = [
        Content.assemble("\n  ", (page.phrase, "bold"), f" → {page.cure if in_full else page.brief}")
        for page in refusal_pages(facts.server_kind, host)
    ]
    return Content.assemble(
        ("No answer yet. ", "bold"),
        "authlens cannot see errors shown in the browser. Does it show one?",
        *rows,
    )


def authenticated_words(
    facts: Facts, trace: Trace, store_name: str, now: datetime, *, width: int, brief: bool = False
) -> Content:
    """Return that the login works, what was received, and where it is stored.

    Args:
        width: cells of a line; what is longer goes on under its start.
        brief: two lines: what was received, and the first warning.
    """
    warnings = [Content.styled(warning, "$text-warning") for warning in _warned(trace)]
    title = ("✔ Authenticated. ", "bold $text-success")
    if brief:
        lines = [Content.assemble(title, _received(facts, now)), *warnings[:1]]
        return Content("\n").join(line.truncate(max(1, width), ellipsis=True) for line in lines)
    rows = (
        *(("Warning", warning) for warning in warnings),
        ("Received", Content(f"{_received(facts, now)}; stored in {store_name}")),
        ("Took", Content(_took(trace))),
    )
    items = (Item(value, Content.styled(f"  {name}", "$text-muted"), _NAMES) for name, value in rows)
    first = Content.assemble(title, f"{_cut(facts.resource_url.text, _LONGEST_URL)} accepts the token.")
    return Content("\n").join([first, *(line for item in items for line in hanging_lines(item, width))])


def _warned(trace: Trace) -> tuple[str, ...]:
    """Return the warnings of the stages, the last one first, in four lines at most."""
    latest = filter(None, map(trace.latest, reversed(LOGIN_STAGES)))
    warnings = [
        f"{record.title}: {_cut(check.seen, _LONGEST_WARNING)}"
        for record in latest
        for check in record.checks
        if check.severity is Severity.WARNING
    ]
    more = len(warnings) - _MOST_WARNINGS
    remainder = (f"{more} more, on Checks of the stages marked !",) if more > 0 else ()
    return (*warnings[:_MOST_WARNINGS], *remainder)


def _received(facts: Facts, now: datetime) -> str:
    if facts.tokens is None:
        return "A token"
    kind = "a JWT" if facts.access_token_is_jwt else "opaque"
    lasts = ""
    if facts.expires_at:
        seconds = (facts.expires_at - now).total_seconds()
        lasts = f", {in_words(seconds)} left" if seconds > 0 else ", expired"
    if facts.tokens.refresh_token is None:
        return f"Access token ({kind}{lasts}), no refresh token"
    return f"Access token ({kind}{lasts}), refresh token"


def _took(trace: Trace) -> str:
    sent = [exchange for _, _, exchange in sent_once(trace.records)]
    wire = sum(exchange.elapsed for exchange in sent)
    stages = len(trace.flow.stages)
    return f"{stages} stages, {len(sent)} requests, {duration(wire)} on the network"


def cancelled_words(record: StageRecord) -> Content:
    waited = next((c for c in record.checks if c.name == CheckId.AUTHORIZATION_STOPPED), None)
    came = "" if waited is None else f"Received: {waited.seen}."
    return Content.assemble((f"■ {record.title} stopped. ", "bold"), came)


def failed_words(
    record: StageRecord,
    fixes: FixWords,
    *,
    brief: bool = False,
    told_above: bool = False,
    told_on_tab: bool = False,
) -> Content:
    """Return the failed stage, the cause, the fix, and the evidence.

    The lines come last and not at all if `brief`; of an unknown answer they are the point and come first.
    If all of it is `told_above` already, or `told_on_tab` 1, only that is said.
    """
    reason = record.reason
    title = (f"✖ {record.title} failed. ", "bold $text-error")
    if reason is None:
        return Content.assemble(title)
    if told_above:
        return Content.assemble(title, "Cause and fix are above.")
    if told_on_tab:
        return Content.assemble(title, ("1", _KEY), " shows cause and fix.")
    fix = fixes(reason.cure)
    cure = Content.assemble(("\n→ ", "bold"), fix) if fix else Content()
    evidence = Content() if brief and reason.known else _seen(reason)
    first, last = (Content(), evidence) if reason.known else (evidence, Content())
    return Content.assemble(title, reason.cause, first, cure, last)


def _seen(reason: Diagnosis) -> Content:
    """Quote the answer on one line; of a known answer, only the status, what decided and the CF-Ray."""
    lines = reason.evidence
    if reason.known and len(lines) > _MOST_SEEN:
        # The CF-Ray is what the administrator needs to find the request: it stays when others are cut.
        ray = (f"cf-ray: {reason.cf_ray}",) if reason.cf_ray is not None else ()
        others = tuple(line for line in lines if line not in ray)
        lines = (*others[:_MOST_SEEN], *ray)
    quoted = " · ".join(_cut(line, _LONGEST_SEEN) if reason.known else line for line in lines)
    return Content.assemble("\n", ("Seen: ", "bold"), (quoted, "$text-muted")) if quoted else Content()


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[:longest]}…"


def wrap_between_keys(text: Content, width: int) -> Content:
    """Return `text` in lines of `width` cells; none ends between a key and its label."""
    rows: list[Content] = []
    for row in text.split("\n", allow_blank=True):
        keys = {span.end for span in row.spans if span.style == _KEY}
        ends, start, last = [], 0, 0
        for end in (*(blank.start() for blank in re.finditer(" ", row.plain)), len(row.plain)):
            if cell_len(row.plain[start:end]) > width and last > start:
                ends.append(last + 1)
                start = last + 1
            if end not in keys:
                last = end
        rows.extend(Content.of(piece) for piece in row.divide(ends))
    return Content("\n").join(rows)


# -- a login that is changed on purpose --------------------------------------------------------------------

_MARK: Final = "bold $text-warning"
_MOST_SAID: Final = 3  # changes that are named one by one


def acts_at(experiment: Experiment, flow: Flow = AUTHORIZATION_CODE) -> str:
    """Return the stage of an experiment, such as `at 7 Exchange`."""
    if experiment.stage is Stage.REFRESH:
        return f"after {flow.numbered(flow.stages[-1])}"
    return f"at {flow.numbered(experiment.stage)}"


def marks(login: Login) -> Content:
    """Return the attack that is ready, the edits and the changes; empty if there are none."""
    pieces: list[Content] = []
    if login.armed is not None:
        pieces.append(
            Content.assemble(
                ("≠ Attack ready: ", _MARK), f"{login.armed.title} {acts_at(login.armed, login.flow)}."
            )
        )
    elif login.edits:
        changes = listed([edit.words for _, edit in login.edits])
        stage = login.edits[0][0]
        when = "sent next" if stage is login.position else f"sent by {login.flow.info(stage).title}"
        pieces.append(Content.assemble(("≠ Edited: ", _MARK), f"{changes}, {when}."))
    if login.trace.tampering:
        changes = listed(login.trace.tampering)
        pieces.append(
            Content.assemble(("≠ TAMPERED: ", _MARK), f"{changes}. No token of this login is stored.")
        )
    return Content("\n").join(pieces)


def tampered_words(facts: Facts, now: datetime) -> Content:
    """Return that the changed login reached its end, and what happens to its tokens."""
    lasts = (facts.expires_at - now).total_seconds() if facts.expires_at else 0
    end = f" and expires in {in_words(lasts)}" if lasts > 0 else ""
    return Content.assemble(
        ("! It was accepted. ", _MARK),
        f"The resource accepts the token. Because the request was changed, the token is not stored{end}.",
    )


def experiment_words(record: StageRecord) -> Content | None:
    """Return the result of the attack that stopped the login; None if none did.

    The stage failed as it should, so this is not shown as a failure.
    """
    stopped = [result for result in ended_in(record) if result[1].severity is Severity.PASS]
    if not stopped:
        return None
    experiment, check = stopped[0]
    return Content.assemble(
        ("✔ Correct. ", "bold $text-success"),
        f"{experiment.title}: {experiment.who} refused it ({check.spec}).",
    )


def listed(changes: Sequence[str]) -> str:
    """Name the first three changes, each once with how often it was made."""
    times = Counter(changes)
    phrases = [change if count == 1 else f"{change} ({count} times)" for change, count in times.items()]
    more = len(phrases) - _MOST_SAID
    return "; ".join([*phrases[:_MOST_SAID], *((f"and {more} more",) if more > 0 else ())])
