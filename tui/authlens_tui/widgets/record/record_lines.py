"""The lines of each tab: pure functions of a snapshot, which can be called in any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple

from msgspec import Struct

from authlens_core.explain.message import MessageJwt, jwts_of
from authlens_core.export.curl_commands import curl_commands
from authlens_core.export.redaction import MASKED, NoRedactor, Redactor, raw_message, secrets_in
from authlens_core.trace.record import (
    Exchange,
    GrantType,
    Request,
    Response,
    RunningStage,
    Secret,
    Stage,
    StageRecord,
    fact_text,
)
from authlens_tui.widgets.document.lines import BLANK, Line, Tone, line, prose
from authlens_tui.widgets.record.checks_view import FixWords, check_lines
from authlens_tui.widgets.record.diagram import diagram_lines
from authlens_tui.widgets.record.exchange_view import (
    failure_lines,
    request_lines,
    response_lines,
)
from authlens_tui.widgets.record.jwt_lines import Verdicts, found_jwt_lines
from authlens_tui.widgets.record.overview_lines import about_stage, exchange_line, overview_lines
from authlens_tui.widgets.record.timing import stage_time_line, timing_lines, waterfall_lines

_AHEAD: Final = "Not run yet. Its request is shown here before it is sent."


class Tab(StrEnum):
    """The tabs, in their order; number keys count them from 1."""

    OVERVIEW = "overview"
    REQUEST = "request"
    RESPONSE = "response"
    CHECKS = "checks"
    DIAGRAM = "diagram"
    CURL = "curl"
    TIMING = "timing"
    JWT = "jwt"

    @property
    def label(self) -> str:
        return {Tab.CURL: "curl", Tab.JWT: "JWT"}.get(self, self.value.capitalize())


# Where there are bytes to be shown as they were sent.
RAW_TABS: Final = frozenset({Tab.REQUEST, Tab.RESPONSE})

# Where one exchange of several can be looked at alone.
EXCHANGE_TABS: Final = RAW_TABS | {Tab.CURL, Tab.TIMING}


class StageSnapshot(Struct, frozen=True, eq=False, dict=True):
    """A stage before, during or after its run. Two snapshots are never equal.

    `exchanges` are those of the record, and after them those that fetched keys to check the signatures of
    the JWTs in it; `verdicts` say whether they verify, None before they are checked. `grant_type` is that of
    the login in which the stage is to run; None for what is no login.
    """

    stage: Stage
    record: StageRecord | None = None
    planned: Request | None = None
    exchanges: tuple[Exchange, ...] = ()
    ahead: bool = False
    underway: RunningStage | None = None
    verdicts: Verdicts | None = None
    grant_type: GrantType | None = None

    @cached_property
    def jwts(self) -> tuple[MessageJwt, ...]:
        """Every JWT that was sent or received, or kept as a fact, once."""
        return () if self.record is None else tuple(jwts_of(self.record))

    def failed_at(self, exchange: Exchange) -> bool:
        """Return whether the stage failed at this exchange."""
        return self.record is not None and self.record.failed_at(exchange)


class ViewOptions(NamedTuple):
    """The options of a view.

    Attributes:
        raw: true to show bodies exactly as they were sent.
        picked: which exchange alone is shown; None for all.
        width: cells that the diagram may take.
        undone: places of the records in the diagram that no longer count.
        fixes: words a fix, with the keys that do it on this screen.
        masked: false for a user who asked to see the secrets of this stage.
    """

    raw: bool = False
    picked: int | None = None
    width: int = 0
    undone: frozenset[int] = frozenset()
    fixes: FixWords = str
    masked: bool = True


def redactor_of(
    records: Sequence[StageRecord],
    others: Iterable[Exchange] = (),
    secrets_of: Callable[[Exchange], Iterable[Secret]] = secrets_in,
) -> Redactor:
    """Return the redactor of records: of their secret facts, and of the secrets in their messages.

    Args:
        others: exchanges that are in no record.
        secrets_of: returns the secrets in an exchange; one that remembers saves most of the time.
    """
    facts = (fact.value for record in records for fact in record.facts if isinstance(fact.value, Secret))
    exchanges = chain((exchange for record in records for exchange in record.exchanges), others)
    return Redactor(chain(facts, chain.from_iterable(map(secrets_of, exchanges))))


def hides_secrets(snapshot: StageSnapshot, redactor: Redactor) -> bool:
    """Return whether the stage has masked secrets that could be revealed."""
    facts = (redactor.text(fact_text(fact)) for fact in (snapshot.record.facts if snapshot.record else ()))
    messages: list[Request | Response] = [*requests_of(snapshot), *responses_of(snapshot)]
    return any(map(MASKED.search, chain(facts, (raw_message(message, redactor) for message in messages))))


def tab_label(tab: Tab, snapshot: StageSnapshot, *, raw: bool) -> str:
    """Return the label in the border of a tab: whose text it is, and how it is shown."""
    planned = snapshot.planned is not None
    answered = any(exchange.response is not None for exchange in snapshot.exchanges)
    label = {
        Tab.OVERVIEW: "Next request" if planned else "Result",
        Tab.REQUEST: "Request · not sent yet" if planned else "Request · sent by authlens",
        Tab.RESPONSE: "Response · from the server" if answered else "Response",
        Tab.CHECKS: "Checks",
        Tab.DIAGRAM: "Sequence",
        Tab.CURL: "curl · secrets are variables",
        Tab.TIMING: "Timing",
        Tab.JWT: "JSON Web Tokens",
    }[tab]
    return f"{label} · raw, as sent" if raw and tab in RAW_TABS else label


def tab_place(tab: Tab, snapshot: StageSnapshot, picked: int | None) -> str:
    """Return the position among several exchanges, and the key for the next one; empty for one exchange."""
    count = len(snapshot.exchanges)
    if count < 2 or tab not in EXCHANGE_TABS:
        return ""
    return f"all {count}, . shows one" if picked is None else f"{picked + 1} of {count}, . next"


def tab_lines(
    tab: Tab,
    snapshot: StageSnapshot,
    story: Sequence[StageRecord],
    redactor: Redactor,
    aspect: ViewOptions,
) -> Iterator[Line]:
    """Yield the lines of `tab`."""
    mask = redactor if aspect.masked else NoRedactor()
    raw, verdicts = aspect.raw, snapshot.verdicts
    match tab:
        case Tab.REQUEST:
            sent = (
                request_lines(message, mask, raw=raw, verdicts=verdicts) for message in requests_of(snapshot)
            )
            yield from _each(sent, snapshot, aspect)
        case Tab.RESPONSE:
            received = (
                response_lines(message, mask, raw=raw, verdicts=verdicts, failed=snapshot.failed_at(message))
                for message in snapshot.exchanges
            )
            yield from _each(received, snapshot, aspect)
        case Tab.CHECKS:
            record = snapshot.record
            results = (record.checks, record.overridden, record.diagnosis) if record else ((),)
            yield from check_lines(*results, fixes=aspect.fixes)
        case Tab.DIAGRAM:
            yield from _diagram(snapshot, story, redactor, aspect)
        case Tab.CURL:
            yield from _curl(snapshot, redactor, aspect)
        case Tab.TIMING:
            yield from _timing(snapshot, story, redactor, aspect)
        case Tab.JWT:
            yield from _jwts(snapshot, mask)
        case _:
            yield from _overview(snapshot, mask, aspect.fixes)


def requests_of(snapshot: StageSnapshot, picked: int | None = None) -> list[Request]:
    """Return the requests of a stage, including one that is not sent yet; or only the picked one."""
    requests = [exchange.request for exchange in snapshot.exchanges]
    if snapshot.planned is not None:
        requests.append(snapshot.planned)
    return requests if picked is None else requests[picked : picked + 1]


def responses_of(snapshot: StageSnapshot, picked: int | None = None) -> list[Response]:
    """Return the responses of a stage, or only that of the picked exchange."""
    chosen = snapshot.exchanges if picked is None else snapshot.exchanges[picked : picked + 1]
    return [exchange.response for exchange in chosen if exchange.response is not None]


def raw_messages(messages: Sequence[Request | Response], redactor: Redactor) -> str:
    """Return messages as they were sent, masked, one after the other."""
    return "\n\n".join(raw_message(message, redactor) for message in messages)


def _diagram(
    snapshot: StageSnapshot, story: Sequence[StageRecord], redactor: Redactor, aspect: ViewOptions
) -> Iterator[Line]:
    if not story and snapshot.underway is None:
        return iter([prose("Nothing was sent yet.", Tone.MUTED)])
    return diagram_lines(story, aspect.width, redactor, underway=snapshot.underway, undone=aspect.undone)


def _jwts(snapshot: StageSnapshot, redactor: Redactor) -> Iterator[Line]:
    if not snapshot.jwts:
        yield prose("No JSON Web Token in this stage.", Tone.MUTED)
        return
    # Without the blank line that sets the first one apart from what is above it elsewhere.
    yield from list(found_jwt_lines(snapshot.jwts, redactor, snapshot.verdicts))[1:]


def _timing(
    snapshot: StageSnapshot, story: Sequence[StageRecord], redactor: Redactor, aspect: ViewOptions
) -> Iterator[Line]:
    if snapshot.record is not None:
        yield stage_time_line(snapshot.record)
    if any(record.exchanges for record in story):
        yield BLANK
        yield from waterfall_lines(story, snapshot.record, aspect.width, redactor.text)
    if snapshot.exchanges:
        yield BLANK
    if snapshot.exchanges or snapshot.record is None:
        each = (timing_lines(exchange) for exchange in snapshot.exchanges)
        yield from _each(each, snapshot, aspect)


def _overview(snapshot: StageSnapshot, redactor: Redactor, fixes: FixWords) -> Iterator[Line]:
    if snapshot.record is not None:
        yield from overview_lines(snapshot.record, redactor, snapshot.verdicts, fixes)
        return
    grant_type = snapshot.grant_type if snapshot.underway is None else snapshot.underway.grant_type
    about = list(about_stage(snapshot.stage, grant_type)) if grant_type is not None else []
    if about and not snapshot.exchanges:
        yield from (*about, BLANK)
    if snapshot.planned is not None:
        yield from request_lines(snapshot.planned, redactor)
    elif not snapshot.exchanges:
        yield prose(_nothing(snapshot), Tone.MUTED)
    for exchange in snapshot.exchanges:
        yield exchange_line(exchange, redactor)
        yield from failure_lines(exchange)
    if about and snapshot.exchanges:
        yield from (BLANK, *about)


def _curl(snapshot: StageSnapshot, redactor: Redactor, aspect: ViewOptions) -> Iterator[Line]:
    requests = requests_of(snapshot, aspect.picked)
    if not requests:
        yield prose(_nothing(snapshot), Tone.MUTED)
        return
    for text in curl_commands(requests, redactor):
        yield line((text, Tone.MUTED if text.startswith("read ") else Tone.PLAIN), hang=4)


def _each(
    exchanges: Iterable[Iterable[Line]], snapshot: StageSnapshot, aspect: ViewOptions
) -> Iterator[Line]:
    """Yield the lines of each exchange, or of the picked one, under its number and purpose."""
    every = list(exchanges)
    purposes = [*(exchange.purpose.value for exchange in snapshot.exchanges), "not sent yet"]
    if not every:
        yield prose(
            "No response yet." if snapshot.planned or snapshot.underway else _nothing(snapshot), Tone.MUTED
        )
    for number, lines in enumerate(every):
        if aspect.picked is not None and number != aspect.picked:
            continue
        if len(every) > 1:
            count = f"── {number + 1} of {len(every)} "
            yield line((count, Tone.TITLE), (f"{purposes[number]} ", Tone.MUTED), ("─" * 20, Tone.MUTED))
        yield from lines
        if aspect.picked is None and number + 1 < len(every):
            yield BLANK


def _nothing(snapshot: StageSnapshot) -> str:
    return _AHEAD if snapshot.ahead else "Nothing is sent in this stage."
