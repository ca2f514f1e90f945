"""The selected credential in full: its state, what is known of it, its claims, and what happened to it.

If no credential is selected, it shows what a login is, as a small diagram.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.desk.credentials import (
    CloudflaredToken,
    CredentialStatus,
    Event,
    Grant,
    InventoryEntry,
    ServiceToken,
    StatusKind,
)
from authlens_core.desk.settings import Settings
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.credentials.credential_row import life_bar, life_tone, tone_of, upcoming_refresh
from authlens_tui.widgets.hanging_text import HangingText, Item
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.words.times import ago, expiry_of, in_words

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Jwt, TraceSummary

_LEAST, _MOST = 56, 96  # cells
_ROWS: Final = 9


class LoginSketch(Static):
    """Draws the messages of a login as a small diagram; nothing if there is no room."""

    DEFAULT_CSS = "LoginSketch { display: none; height: auto; }"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return _ROWS if width >= _LEAST else 0

    def render(self) -> Content:
        width = min(self.content_size.width, _MOST)
        if width < _LEAST:
            return Content()
        from authlens_tui.widgets.record.diagram import login_sketch  # only an empty dashboard needs it

        return login_sketch(width)


_COLOURS: Final = {"good": "$text-success", "warning": "$text-warning", "bad": "$text-error"}
_NAME: Final = 16  # cells
_WHEN: Final = 14  # cells of the time of an event
_BAR: Final = 24  # cells
_MOST_CLAIMS: Final = 40
Facts = Iterator[tuple[str, str]]


def detail_items(
    entry: InventoryEntry,
    now: datetime,
    settings: Settings,
    *,
    jwt: Jwt | None = None,
    trouble: str = "",
) -> Sequence[Item]:
    """Return everything known of a credential, no secret among it.

    Args:
        jwt: the decoded token, if it is a JWT and was read.
        trouble: why the last automatic refresh could not be tried, or the empty string.
    """
    status = entry.status(now)
    items = [_state(entry, status, now)]
    notes = (status.note, _key_for(entry, status), f"Auto-refresh: {trouble}" if trouble else "")
    items += [Item(Content(note), room=2) for note in notes if note]
    items += [Item(Content()), *_table(_facts(entry, now, settings))]
    # The claims are what the token says of itself; nothing here has checked its signature.
    if jwt is not None:
        items += [Item(Content()), Item(_heading("Claims in the token (not verified)"))]
        items += _table(_claims(jwt, now))
    return items


def _state(entry: InventoryEntry, status: CredentialStatus, now: datetime) -> Item:
    """Return the state, and the remaining part of the token's life."""
    share = entry.life_left(now)
    remaining, spent = life_bar(share, _BAR)
    bar = ((remaining, _COLOURS[life_tone(entry, now)]), (f"{spent} ", "$quiet")) if share is not None else ()
    return Item(
        Content.assemble(
            (f"{status.kind.symbol} {status.word}", f"bold {_COLOURS[tone_of(status)]}"),
            "  ",
            *bar,
            expiry_of(entry.token_ends, now).sentence,
        )
    )


def _key_for(entry: InventoryEntry, status: CredentialStatus) -> str:
    """Return the key of the dashboard that replaces the command in the note."""
    expiring = status.kind in (StatusKind.EXPIRED, StatusKind.SOON)
    if entry.service_token is not None and expiring:
        return "Here: e enters the new expiry or a new secret."
    if status.kind is StatusKind.UNTESTED:
        return "Here: p tests it."
    token = entry.cloudflared
    # A token for a whole team, or for many hosts, has no one address to log in to.
    if token is None or not token.opens_application or "*" in token.host:
        return ""
    if token.pending_url is not None:
        return "Here: c copies the login link, t starts another login."
    return "Here: t logs in with cloudflared." if status.kind is StatusKind.EXPIRED else ""


def event_items(events: Sequence[Event], now: datetime, note: str = "") -> Sequence[Item]:
    """Return the events of a credential, without details that are in its `note`."""
    if not events:
        return ()
    rows = (
        (ago(event.at, now), event.kind if event.detail in note else f"{event.kind}  {event.detail}")
        for event in events
    )
    return (Item(_heading("Events")), *_table(rows, _WHEN))


def _heading(title: str) -> Content:
    return Content.styled(title, "bold $text-primary")


def _table(facts: Iterable[tuple[str, str]], room: int = _NAME) -> list[Item]:
    return [Item(Content.line(value), Content.styled(name, "$quiet"), room) for name, value in facts]


def _facts(entry: InventoryEntry, now: datetime, settings: Settings) -> Facts:
    match entry.source:
        case Grant() as grant:
            yield from _of_grant(grant, upcoming_refresh(grant, now, settings).sentence, now)
        case ServiceToken() as token:
            yield from _of_service_token(token, now)
        case token:
            yield from _of_cloudflared(token, entry, now)


def _of_grant(grant: Grant, coming: str, now: datetime) -> Facts:
    yield "Resource", grant.resource_url
    if grant.resource is not None and grant.resource != grant.resource_url:
        yield "Calls itself", grant.resource
    yield "Server", grant.issuer
    yield "Access token", f"issued {ago(grant.refreshed_at, now)}; {_ends(grant.expires_at, now)}"
    if grant.grant_type is not None:
        yield "Refresh token", "none: authlens requests each access token as it requested this one"
    elif not grant.has_refresh_token:
        yield "Refresh token", "none: log in again when the access token expires"
    else:
        yield "Refresh token", f"stored; {coming}" if coming else "stored"
    if grant.attempts:
        yield "Failed tries", str(grant.attempts)
    if grant.account or grant.person:
        yield "Account", " · ".join(filter(None, (grant.account, grant.person)))
    if grant.grant_type is None:
        yield "Login", f"{ago(grant.obtained_at, now)}; {_next_login(grant, now)}"
    else:
        yield "Program", f"{grant.grant_type.name.replace('_', ' ').lower()}; no user logged in"
    if grant.last_tested is not None:
        yield "Last probe", f"{grant.last_verdict} {ago(grant.last_tested, now)}"
    yield "Last verified", ago(grant.last_proven_at, now)
    yield "Scope", grant.scope or "none given"
    yield "Client ID", grant.client_id
    yield "Stored in", grant.place.words
    if grant.remembered:
        yield "Remembered", ", ".join(grant.remembered_flags)
    offered = grant.revocation_endpoint is not None
    yield "Revocation", "offered by the server" if offered else "not offered by the server"


def _next_login(grant: Grant, now: datetime) -> str:
    if grant.login_ends is None:
        return "no end date"
    until = expiry_of(grant.login_ends, now)
    return "log in again" if until.expired else f"log in again within {until.span}"


def _of_cloudflared(token: CloudflaredToken, entry: InventoryEntry, now: datetime) -> Facts:
    yield "Kind", f"cloudflared, {token.kind} token; read-only here"
    yield "Host", token.host
    yield "Team", token.team or "unknown"
    yield "Account", token.person or "not in the token"
    yield "Audience", token.audience or "not in the token"
    yield "Issued", ago(token.issued_at, now) if token.issued_at is not None else "not in the token"
    if token.is_early(now):
        yield "Valid in", expiry_of(token.not_before, now).cell
    yield "Token", _ends(token.expires_at, now)
    if token.opens_application:
        ends = entry.login_ends
        yield "Team login", "sign-in time unknown" if ends is None else expiry_of(ends, now).sentence
    if token.pending_url is not None:
        yield "Login link", token.pending_url
    if token.lock is not None:
        yield "Lock", f"process {token.lock.pid}, {'running' if token.lock.holds else 'not running'}"
    yield "File", str(token.path)


def _of_service_token(token: ServiceToken, now: datetime) -> Facts:
    if token.label:
        yield "Name", token.label
    yield "Resource", token.url
    yield "Client ID", token.client_id
    yield "Sent as", f"{token.form}" + (f", {token.header}" if token.form == "single-header" else "")
    yield "Token", _ends(token.expires_at, now)
    yield "Added", ago(token.added_at, now)
    yield "Secret saved", ago(token.secret_from, now)
    yield "Last probe", ago(token.last_tested, now)
    if token.last_words:
        yield "Answer", token.last_words
    yield "Last verified", ago(token.last_proven_at, now)
    yield "Stored in", token.place.words


def _claims(jwt: Jwt, now: datetime) -> Facts:
    from authlens_core.export.secret_names import is_sensitive, mask  # few credentials have claims to show

    yield "alg", jwt.algorithm
    for claim in jwt.claims_at(now)[:_MOST_CLAIMS]:
        if claim.time is not None and claim.seconds is not None:
            span = f"in {in_words(claim.seconds)}" if claim.seconds > 0 else in_words(claim.seconds)
            yield claim.name, f"{claim.time:%Y-%m-%d %H:%M:%S} UTC · {span}"
        else:
            # Some servers put a token of another service into a claim.
            yield claim.name, mask(claim.text) if is_sensitive(claim.name) else claim.text
    for problem in jwt.problems:
        yield "!", problem


def _ends(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "no expiry given"
    return f"{'expires' if moment > now else 'expired'} {moment:%Y-%m-%d %H:%M:%S} UTC"


def trace_option(summary: TraceSummary, now: datetime) -> Option:
    """Return a stored trace as a line of the history: how it ended, what it was, when."""
    from authlens_tui.widgets.record.signs import OUTCOME_SIGNS  # few credentials have a trace

    sign, tone = OUTCOME_SIGNS[summary.outcome]
    text = Content.assemble(
        (f"{sign} ", tone.value), f"{summary.kind.value:<8} ", (ago(summary.at, now), "$quiet")
    )
    return Option(text, id=summary.trace_id)


class CredentialPane(ActionChecks, VerticalScroll):
    """Shows texts that change every second, and repaints only changed ones."""

    BINDINGS = keys("detail")

    detail = getters.query_one("#detail", HangingText)
    history = getters.query_one("#history", OptionList)
    happened = getters.query_one("#happened", HangingText)

    @dataclass(repr=False, eq=False)
    class TraceChosen(Message):
        """The user chose a trace of the history."""

        trace_id: str

    def __init__(self) -> None:
        # With a class that the first paint then need not add, which would style it again.
        super().__init__(id="detail-box", classes="-alone")
        self._traces: tuple[TraceSummary, ...] = ()
        self._is_complete = False

    def compose(self) -> ComposeResult:
        yield HangingText(id="detail")
        yield Vertical(id="side")

    async def complete(self) -> None:
        """Add what the first paint does not need: it shows the credential alone."""
        title = Static(_heading("Recorded requests (redacted)"), id="history-title")
        await self.query_one("#side").mount(title, OptionList(id="history"), HangingText(id="happened"))
        await self.mount(LoginSketch(), after=self.detail)
        self._is_complete = True

    def show(
        self,
        detail: Sequence[Item],
        events: Sequence[Item] = (),
        traces: Sequence[TraceSummary] = (),
        *,
        now: datetime | None = None,
    ) -> None:
        """Show a credential, or a text alone; `now` dates the traces."""
        self.set_class(not (events or traces), "-alone")
        self.detail.show(detail)
        if not self._is_complete:
            return
        self.happened.show(events)
        # A list that is made again has its cursor at the top.
        if tuple(traces) != self._traces:
            self._traces = tuple(traces)
            self.history.set_options(trace_option(trace, now) for trace in traces if now is not None)
            self.history.display = self.query_one("#history-title").display = bool(traces)

    def action_open_requests(self) -> None:
        self.post_message(self.TraceChosen(self._traces[0].trace_id))

    def can_open_requests(self) -> bool:
        return bool(self._traces)

    @on(OptionList.OptionSelected, "#history")
    def _trace_chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.TraceChosen(self._traces[event.option_index].trace_id))
