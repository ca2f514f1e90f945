"""The dashboard: every credential, its two clocks, and what can be done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar, Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from authlens_core.access.cloudflared_files import CloudflaredToken
from authlens_core.credentials.inventory.inventory import Holding, Order, arranged, holdings_of, matching
from authlens_core.credentials.lifecycle.background_refresh import Attempted
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.index import Event
from authlens_core.credentials.records.traces import TraceSummary
from authlens_core.errors import AuthlensError
from authlens_core.safe_text import safe_line
from authlens_core.session import Session
from authlens_core.state.settings import SettingsFile
from authlens_tui.screens.dashboard.batch import DashboardBatch
from authlens_tui.screens.dashboard.events import EventsScreen
from authlens_tui.screens.dashboard.keys import DASHBOARD_KEYS, applies, offered
from authlens_tui.screens.dashboard.settings import SettingsScreen
from authlens_tui.screens.dashboard.words import (
    EMPTY,
    broken_words,
    damaged_words,
    nothing_matches,
    title_words,
)
from authlens_tui.widgets.credentials.credential_detail import detail_words, event_words, trace_option
from authlens_tui.widgets.credentials.credential_row import RowText, row_of
from authlens_tui.widgets.credentials.credential_table import CredentialTable
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["DashboardScreen"]

Find = Callable[[], tuple[CloudflaredToken, ...]]
_LOOK_AT_FILES: Final = 5  # seconds between two looks at cloudflared's directory
_SORT_ANEW: Final = 30  # seconds after which an order that goes by the clock is made again
_EVENTS: Final = 8


def _none_elsewhere() -> tuple[CloudflaredToken, ...]:
    return ()


class DashboardScreen(DashboardBatch):
    """One table of every credential; the selected one in full beside it.

    Args:
        session: the sender and the credentials.
        suggestion: what a new login begins with.
        now: the clock, in UTC.
        settings: what the person has set; kept in memory by default.
        find: looks for tokens of cloudflared; by default there are none.
        can_move: true where moving the secrets to another store is offered.
    """

    CSS_PATH = "dashboard.tcss"
    TITLE = "Dashboard"
    HELP = (
        "The table shows every credential of this machine: what authlens keeps, and what cloudflared does, "
        "which is left as it is. The state is written in words and as a symbol. Token is the life of what is "
        "sent; Login is that of the login behind it. A refresh gives a new token without a browser; while "
        "this screen is open it happens by itself, and Next says when."
    )
    BINDINGS: ClassVar[list[BindingType]] = DASHBOARD_KEYS

    table = getters.query_one("#credentials", CredentialTable)
    detail = getters.query_one("#detail", Static)
    history = getters.query_one("#history", OptionList)
    happened = getters.query_one("#happened", Static)
    result = getters.query_one("#result", Static)
    filter_field = getters.query_one("#filter", Input)

    def __init__(
        self,
        session: Session,
        *,
        suggestion: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        settings: SettingsFile | None = None,
        find: Find = _none_elsewhere,
        can_move: bool = False,
    ) -> None:
        super().__init__(session, settings or SettingsFile(), suggestion, now)
        self._find = find
        self._can_move = can_move
        self._files: tuple[CloudflaredToken, ...] = ()
        self._seen: tuple[object, object] | None = None
        self._events: tuple[Event, ...] = ()
        self._holdings: tuple[Holding, ...] = ()
        self._shown: tuple[Holding, ...] = ()
        self._damaged = 0
        self._order = Order.NEEDS
        self._grouped = False
        self._detail_shown = self._events_shown = ""
        self._looked_at = ""
        self._history_shown: tuple[TraceSummary, ...] = ()
        self._troubles: dict[str, str] = {}
        self._ticks = 0
        self._offered: tuple[object, ...] = ()
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out table, detail and result line."""
        yield TitleBar("credentials", self._session.credentials.store.name)
        with Horizontal(id="dashboard"):
            with Vertical(id="list"):
                yield Input(placeholder="resource, team, person, kind or state", id="filter")
                yield CredentialTable(self._row, id="credentials")
            with VerticalScroll(id="detail-box"):
                yield Static(id="detail")
                with Vertical(id="side"):
                    yield OptionList(id="history")
                    yield Static(id="happened")
        yield Static(id="result")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Fill the table and start the clock."""
        self.history.border_title = "What was sent, kept without secrets"
        self._ticker = self.set_interval(1.0, self._tick)
        self.show_now(anew=True)
        self._look_at_files()
        self.table.focus()

    def on_screen_resume(self) -> None:
        """Show what a login or another process changed meanwhile."""
        if self._ticker is not None:
            self._ticker.resume()
            self.show_now(anew=True)
            self._look_at_files()
            self.refresh_bindings()

    def on_screen_suspend(self) -> None:
        """Let the clock rest while nobody looks."""
        if self._ticker is not None:
            self._ticker.pause()

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks % _LOOK_AT_FILES == 0:
            self._look_at_files()
        by_clock = self._order is Order.NEEDS and self._ticks % _SORT_ANEW == 0
        self.show_now(anew=by_clock)

    @work(exclusive=True, group="files", description="look at cloudflared's tokens")
    async def _look_at_files(self) -> None:
        found = await asyncio.to_thread(self._find)
        if found != self._files:
            self._files = found
            self.show_now()

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def selected(self) -> Holding | None:
        """The credential under the cursor, or None."""
        return self.table.selected

    @property
    def shown(self) -> Sequence[Holding]:
        """The credentials that the filter lets through."""
        return self._shown

    def _row(self, holding: Holding) -> RowText:
        trouble = self._troubles.get(holding.holding_id, "")
        return row_of(holding, self._now(), self._settings.present, self._busy, trouble)

    def show_now(self, *, anew: bool = False) -> None:
        """Bring the screen up to date: rows only where the credentials changed, text where it did.

        The index gives the same objects again while nobody writes, so a second in which nothing happens costs
        the rows in view and nothing more.
        """
        if not self._is_there:
            return
        try:
            grants, damaged = self._session.credentials.index.grants()
            seen = self._seen
            if anew or seen is None or seen[0] is not grants or seen[1] is not self._files:
                self._read(grants, len(damaged))
                self._seen = grants, self._files
                self._arrange()
        except AuthlensError as error:
            self._show_broken(error)
            return
        self.remove_class("-broken")
        self.table.tick()
        self._show_detail()

    @property
    def _is_there(self) -> bool:
        """False when an action ends after the screen has gone."""
        return self.is_running and bool(self.query("#result"))

    def _read(self, grants: tuple[Grant, ...], damaged: int) -> None:
        tokens = self._session.credentials.service_tokens
        had = bool(self._holdings)
        self._holdings = holdings_of(grants, self._files, tokens.list())
        self._damaged = damaged + len(tokens.damaged())
        self._looked_at = ""  # what is kept of the selected one may be more, too
        self.set_class(not self._holdings, "-empty")
        if had != bool(self._holdings):
            self.refresh_bindings()

    def _arrange(self) -> None:
        """Filter, sort and group what was read."""
        text = self.filter_field.value
        self._shown = matching(self._holdings, text, self._now())
        self.table.show(arranged(self._shown, self._order, self._now(), grouped=self._grouped))
        self.table.border_title = Content(title_words(len(self._shown), len(self._holdings), text))
        order = f"sorted by {self._order.value}" + (", grouped by team" if self._grouped else "")
        damaged = damaged_words(self._damaged)
        self.table.border_subtitle = Content(f"{damaged} · {order}" if damaged else order)
        box = self.query_one("#detail-box")
        if not self._holdings:
            box.border_title, box.border_subtitle = "Welcome", Content(damaged)
        elif box.border_title != "Detail":
            box.border_title, box.border_subtitle = "Detail", None

    def _show_broken(self, error: AuthlensError) -> None:
        self.add_class("-broken")
        self.query_one("#detail-box").border_title = "The credentials cannot be read"
        self._put_detail(broken_words(error))
        self._seen = None

    def _show_detail(self) -> None:
        holding = self.selected
        if holding is None:
            self._show_history(())
            self._put_events(Content(""))
            self._put_detail(nothing_matches(self.filter_field.value) if self._holdings else EMPTY)
            return
        self._look_up(holding)
        words = detail_words(
            holding,
            self._now(),
            self._settings.present,
            jwt=self.claims_of(holding),
            trouble=self._troubles.get(holding.holding_id, ""),
        )
        self._put_detail(words)
        self._put_events(event_words(self._events, self._now()))

    def _look_up(self, holding: Holding) -> None:
        """Show what is kept of the selected credential; where that cannot be read, nothing of another one."""
        if self._looked_at == holding.holding_id:
            return
        # Once, even where it fails: waiting for a locked file every second would hold the screen up.
        self._looked_at, self._events = holding.holding_id, ()
        kept: tuple[TraceSummary, ...] = ()
        with suppress(AuthlensError):  # the table has said so already, or says it in a second
            self._events = self._session.credentials.events(holding.holding_id, _EVENTS)
            kept = self._session.credentials.traces.of(holding.holding_id)
        self._show_history(kept)

    def _put_detail(self, words: Content) -> None:
        if words.plain != self._detail_shown:
            self._detail_shown = words.plain
            self.detail.update(words)

    def _put_events(self, words: Content) -> None:
        if words.plain != self._events_shown:
            self._events_shown = words.plain
            self.happened.update(words)

    def _show_history(self, kept: tuple[TraceSummary, ...]) -> None:
        if kept == self._history_shown:
            return
        self._history_shown = kept
        self.history.clear_options()
        self.history.add_options([trace_option(one, self._now()) for one in kept])
        self.history.display = bool(kept)

    @on(CredentialTable.Highlighted)
    def _another_row(self) -> None:
        self._show_detail()
        holding = self.selected
        now_offered = offered(holding)
        if now_offered != self._offered:  # the footer is made anew, which takes longer than all the rest
            self._offered = now_offered
            self.refresh_bindings()

    @on(CredentialTable.Chosen)
    def _row_chosen(self) -> None:
        self.action_inspect()

    @on(OptionList.OptionSelected, "#history")
    def _trace_chosen(self, event: OptionList.OptionSelected) -> None:
        holding = self.selected
        if holding is not None and event.option.id is not None:
            self.show_kept(event.option.id, holding.holding_id)

    # -- filter, sort, group ---------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show only the keys that do something for the credential under the cursor."""
        if not self.is_mounted:
            return True
        if action == "move":
            return self._can_move
        if action == "stop":
            return self.is_under_way or self.filter_field.display
        if action in ("filter", "sort", "group", "probe_all", "refresh_all", "revoke_all"):
            return bool(self._holdings)
        return applies(action, self.selected)

    def action_filter(self) -> None:
        """Go to the field that filters."""
        self.filter_field.display = True
        self.filter_field.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self._arrange()
        self.table.tick()
        self._show_detail()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.table.focus()

    def action_stop(self) -> None:
        """Stop what is done to many credentials; otherwise show all of them again."""
        if not self.stop_running():
            self.filter_field.value = ""
            self.filter_field.display = False
            if self.table.has_focus:
                self.refresh_bindings()
            self.table.focus()  # which makes the footer anew, too

    def action_sort(self) -> None:
        """Sort by the next order."""
        self._order = self._order.following()
        self._arrange()

    def action_group(self) -> None:
        """Group by team, or not."""
        self._grouped = not self._grouped
        self._arrange()

    # -- other screens ---------------------------------------------------------------------------------

    def action_events(self) -> None:
        """Show the history of access."""
        holding = self.selected
        names = {one.holding_id: one.title for one in self._holdings}
        only = None if holding is None else holding.holding_id
        self.app.push_screen(EventsScreen(self._session.credentials, names, selected=only))

    def action_settings(self) -> None:
        """Show what can be set."""
        self.app.push_screen(SettingsScreen(self._settings))

    def use(self, session: Session) -> None:
        """Go on with another session: what it keeps is what was moved."""
        self._session = session
        self.query_one(TitleBar).store_name = session.credentials.store.name
        self.show_now(anew=True)

    def heard(self, attempted: Attempted) -> None:
        """Tell of a refresh that happened by itself."""
        result, error = attempted.result, attempted.error
        self._seen = None
        self._troubles.pop(attempted.grant.grant_id, None)
        if error is not None:
            self._troubles[attempted.grant.grant_id] = f"{error.cause} {error.cure}".strip()
        if result is not None:
            self._last_trace[attempted.grant.grant_id] = result.trace
        if not self._is_there:
            return
        name = safe_line(attempted.grant.resource_url.removeprefix("https://"), 120)
        words = error.cause if error is not None else result.summary if result is not None else ""
        good = result is not None and result.outcome.value in ("refreshed", "adopted", "not needed")
        # Not where the person's own results stand: a proof would be gone within seconds.
        sign = "✔" if good else "✖"
        self.query_one("#detail-box").border_subtitle = Content(f"{sign} By itself, {name}: {words}")

    def say(self, words: str, *, good: bool | None = None) -> None:
        """Write a sentence under the table."""
        if not self._is_there:
            return
        symbol = {True: ("✔ ", "bold $text-success"), False: ("✖ ", "bold $text-error"), None: ("", "")}[good]
        self.result.update(Content.assemble(symbol, Content(safe_line(words, 900))))
