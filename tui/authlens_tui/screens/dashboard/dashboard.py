"""The dashboard: every credential of this machine, its state, and the keys that act on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input

from authlens_core.desk.credentials import AuthlensError, CloudflaredToken, IndexBusy, InventoryEntry
from authlens_core.desk.settings import COLUMN_KEYS, SettingsFile
from authlens_tui.screens.dashboard.context import Changed, CredentialScreen, DashboardContext, StatusMessage
from authlens_tui.screens.dashboard.keys import NEED_ROWS, applies, offered
from authlens_tui.screens.dashboard.listing import Listing, SelectedHistory
from authlens_tui.screens.dashboard.words import (
    attempt_words,
    broken_words,
    column_help,
    empty_words,
    nothing_matches,
    result_words,
)
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.focus import keep_focus_in_view
from authlens_tui.terminal.leaving import DEMO_WANTED
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.credentials.credential_pane import CredentialPane, detail_items, event_items
from authlens_tui.widgets.credentials.credential_row import RowText, row_of
from authlens_tui.widgets.credentials.credential_table import CredentialTable
from authlens_tui.widgets.credentials.expiry_strip import ExpiryStrip
from authlens_tui.widgets.hanging_text import Item
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter
from authlens_tui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Grant, Index
    from authlens_core.desk.lifecycle import ActionResult
    from authlens_core.desk.session import Session
    from authlens_tui.screens.dashboard.actions import DashboardActions

# Returns the tokens of cloudflared, and how many more there are than are listed.
Find: TypeAlias = "Callable[[], tuple[tuple[CloudflaredToken, ...], int]]"
# Seconds between two looks at cloudflared's directory, which may hold thousands of files.
_FILES_EVERY: Final = 5
# Seconds after which an order that depends on the clock is made again: sooner, rows would jump while a user
# reads them.
_SORT_EVERY: Final = 30
_ATTEMPT_SHOWN: Final = 15  # seconds for which an automatic refresh is named


class DashboardScreen(CredentialScreen):
    """One table of every credential; the selected one in full beside it.

    Args:
        session: the sender and the credentials; None until the secret store is open.
        suggest: returns the URL that a new login starts with, in the demo.
        settings: the user's settings; in memory by default.
        find: looks for tokens of cloudflared; by default there are none.
        can_move: true to offer moving the secrets to another store.
        columns: keys of the columns beside resource and state; empty for the usual ones.
    """

    CSS_PATH = "dashboard.tcss"
    BINDINGS = keys("dashboard")

    table = getters.query_one("#credentials", CredentialTable)
    pane = getters.query_one("#detail-box", CredentialPane)
    result = getters.query_one("#result", Static)
    filter_field = getters.query_one("#filter", Input)

    def __init__(
        self,
        session: Session | None,
        *,
        index: Index | None = None,
        suggest: Callable[[], str] = str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        settings: SettingsFile | None = None,
        find: Find = lambda: ((), 0),
        can_move: bool = False,
        columns: Sequence[str] = (),
    ) -> None:
        super().__init__()
        records = index if session is None else session.credentials.index
        if records is None:
            raise ValueError("there is nothing to show")
        self.context = DashboardContext(self, records, session, settings=settings or SettingsFile(), now=now)
        self.listing = Listing()
        self.strip = ExpiryStrip()
        self._suggest = suggest
        self._actions: DashboardActions | None = None
        self._find = find
        self._can_move = can_move
        self._columns = columns or COLUMN_KEYS
        self._history = SelectedHistory(self.context)
        self._ticks = 0
        self._attempt_ticks = 0
        self._offered: tuple[object, ...] = ()
        self._ticker: Timer | None = None
        self._is_complete = False
        self._is_new = True

    @property
    def actions(self) -> DashboardActions:
        """The actions of the keys; created after the first paint, which needs none of them."""
        if self._actions is None:
            from authlens_tui.screens.dashboard.actions import DashboardActions

            self._actions = DashboardActions(self.context, self.listing, self._suggest, self.table.select)
        return self._actions

    def compose(self) -> ComposeResult:
        way = ("demo",) if self._suggest() else ()
        yield TitleBar(*way, "credentials", store_name=self.context.store_name, is_root=True)
        with Horizontal(id="dashboard"):
            with Vertical(id="list"):
                yield CredentialTable(self._row, self._columns)
            yield CredentialPane()
        yield Static(id="result")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Fill the table, so that the first paint has it, and start the clock."""
        self._ticker = self.set_interval(1.0, self.tick)
        self.table.focus()
        self.show_now(reread=True)
        self._keep_focus()
        self.call_after_refresh(self.look_at_files)
        # The filter and the lists of the detail take as long to mount as all that the first paint shows.
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        from authlens_tui.widgets.completing_input import CompletingInput  # not needed for the first paint

        field = CompletingInput(
            "resource, team, account, kind or state", self.listing.next_words, id="filter"
        )
        await self.query_one("#list").mount(field, self.strip, before=self.table)
        await self.pane.complete()
        self._is_complete = True
        self._show_detail()
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Show the changes of a login or another process."""
        if self._is_new:
            self._is_new = False  # `on_mount` has shown everything
        elif self._ticker is not None:
            self._ticker.resume()
            self.show_now(reread=True)
            self.look_at_files()
            self._keep_focus()

    def on_screen_suspend(self) -> None:
        """Stop the clock while another screen is on top."""
        if self._ticker is not None:
            self._ticker.pause()

    def tick(self) -> None:
        self._ticks += 1
        if self._ticks % _FILES_EVERY == 0:
            self.look_at_files()
        self._attempt_ticks -= 1
        if self._attempt_ticks == 0:
            self.pane.border_subtitle = None
        self.show_now(reread=self._ticks % _SORT_EVERY == 0)

    @work(exclusive=True, group="files", description="look at cloudflared's tokens")
    async def look_at_files(self) -> None:
        files, left_out = await asyncio.to_thread(self._find)
        # Made new only if something differs: an equal list would make every row again.
        if files != self.listing.files:
            self.listing.files, self.listing.left_out = files, left_out
            self.show_now()

    # -- what the keys do ------------------------------------------------------------------------------

    def action_act(self, path: str) -> None:
        """Call the method of `actions` that the key names, such as `selected.refresh`."""
        # The dashboard is there before the keyring is: the first paint waits for no passphrase.
        if not self.context.is_store_open:
            self.context.say("The secret store is still being opened. Try again in a moment.")
        elif (work := attrgetter(path)(self.actions)()) is not None:
            self.context.run(work, instead_of=path)

    def action_sort(self) -> None:
        self.listing.order = self.listing.order.following()
        self._arrange()

    def action_demo(self) -> None:
        self.app.exit(DEMO_WANTED)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self.is_mounted:
            return True
        name = str(parameters[0]) if action == "act" else action
        match name:
            # In the demo there is nothing to move: its secrets are in memory.
            case "batches.move":
                return self._can_move
            case "demo":
                return self._can_move and not self.listing.entries
            case "selected.undo_forget":
                return self._actions is not None and self._actions.selected.can_undo
            case "forget_client":
                return self.listing.inventory.has_managed_clients
            case "stop":
                runs = self._actions is not None and self._actions.batches.is_running
                return runs or (self._is_complete and self.filter_field.display)
        return bool(self.listing.entries) if name in NEED_ROWS else applies(name, self.selected)

    def stop_running(self) -> bool:
        """Stop a batch, for ctrl+c; return whether one was running."""
        return self._actions is not None and self._actions.batches.stop()

    def action_stop(self) -> None:
        if not self.stop_running() and self._is_complete:
            self.filter_field.value = ""
            self.filter_field.display = False
            if self.table.has_focus:
                self.refresh_bindings()
            self.table.focus()  # this makes the footer again, too

    def action_filter(self) -> None:
        if self._is_complete:
            self.filter_field.display = True
            self.filter_field.focus()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.listing.text = self.filter_field.value
        self._arrange(sorts=False)
        self.table.tick()
        self._show_detail()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.table.focus()

    # -- what is shown ---------------------------------------------------------------------------------

    @property
    def selected(self) -> InventoryEntry | None:
        return self.table.selected

    def _row(self, entry: InventoryEntry) -> RowText:
        context = self.context
        trouble = self.context.trouble_of(entry)
        return row_of(entry, context.now(), context.settings.present, context.busy, trouble=trouble)

    def show_now(self, *, reread: bool = False) -> None:
        """Bring the screen up to date: rows only if credentials changed, text only where it did."""
        had = bool(self.listing.entries)
        try:
            if self.listing.read(self.context.index, reread=reread):
                self._history.forget()
                self._arrange()
        # Another process writes at the moment. What is on the screen is a second old and still right.
        except IndexBusy as error:
            if not self.listing.entries:
                self._show_broken(error)
                return
            self.listing.invalidate()  # the clocks go on; the rows are read at the next tick
        except AuthlensError as error:
            self._show_broken(error)
            return
        self.remove_class("-broken")
        self.set_class(not self.listing.entries, "-empty")
        if had != bool(self.listing.entries):
            self._keep_focus()
            if not had and self.focused is self.pane:  # it had the focus because there was no table
                self.call_after_refresh(self.table.focus)
        self.table.tick()
        self._show_detail()

    def _keep_focus(self) -> None:
        """Keep the focus, and so the keys, on something visible: without a credential there is no table."""
        self.refresh_bindings()
        self.call_after_refresh(keep_focus_in_view, self)

    def _arrange(self, *, sorts: bool = True) -> None:
        self.table.sorted_by = self.listing.sorted_by
        self.table.show(self.listing.rows(self.context.now(), sorts=sorts))
        self.strip.show(self.listing.expiries, self.context.now())
        self.table.border_title = Content(self.listing.title)
        self.table.border_subtitle = Content(self.listing.subtitle)
        if not self.listing.entries:
            self.pane.border_title, self.pane.border_subtitle = "Welcome", Content(self.listing.damaged)
        elif self.pane.border_title != "Detail":
            self.pane.border_title, self.pane.border_subtitle = "Detail", None

    def _show_broken(self, error: AuthlensError) -> None:
        self.add_class("-broken")
        self._keep_focus()
        self.pane.border_title = "The credentials cannot be read"
        self.pane.show((Item(broken_words(error)),))
        self.listing.invalidate()

    def _show_detail(self) -> None:
        if self.has_class("-broken"):
            return  # the pane shows why
        entry, now = self.selected, self.context.now()
        if entry is None:
            if self.listing.entries:
                text = nothing_matches(self.listing.text)
            else:
                text = empty_words(in_demo=bool(self._suggest()), had_some=self.listing.inventory.has_history)
            self.pane.show((Item(text),))
            return
        events, traces = self._history.of(entry)
        items = detail_items(
            entry,
            now,
            self.context.settings.present,
            jwt=self.actions.tokens.claims_of(entry) if self.context.is_store_open else None,
            trouble=self.context.trouble_of(entry),
        )
        self.pane.show(items, event_items(events, now, entry.status(now).note), traces, now=now)

    @on(CredentialTable.Highlighted)
    def _another_row(self) -> None:
        self._show_detail()
        now_offered = offered(self.selected)
        if now_offered != self._offered:  # making the footer takes longer than everything else
            self._offered = now_offered
            self.refresh_bindings()

    @on(CredentialTable.HeaderClicked)
    def _sort_by(self, message: CredentialTable.HeaderClicked) -> None:
        self.listing.sort_by(message.key)
        self._arrange()

    @on(CredentialTable.Chosen)
    def _row_chosen(self) -> None:
        self.action_act("sent.inspect")

    @on(CredentialPane.TraceChosen)
    def _trace_chosen(self, message: CredentialPane.TraceChosen) -> None:
        self.context.run(self.actions.sent.show_kept(message.trace_id), instead_of="sent.inspect")

    @on(Changed)
    def _changed(self, message: Changed) -> None:
        self.refresh_bindings()
        self.show_now(reread=message.reread)

    @on(StatusMessage)
    def _said(self, message: StatusMessage) -> None:
        self.result.update(result_words(message.sentence, good=message.good))

    def help_words(self) -> str:
        return column_help([column.key for column in self.table.columns], self._columns)

    # -- for the app -----------------------------------------------------------------------------------

    def use(self, session: Session) -> None:
        """Continue with another session, after the secret store was opened or the secrets moved."""
        self.context.use(session)
        self.query_one(TitleBar).store_name = session.credentials.store.name
        self.show_now(reread=True)

    def show_attempt(self, grant: Grant, result: ActionResult) -> None:
        """Show an automatic refresh in the border of the detail: the result line belongs to the user."""
        self.listing.invalidate()
        self.context.refreshed[grant.grant_id] = result
        self.actions.sent.note(grant.grant_id, result.trace, newest=False)
        if self.is_running and self.is_mounted:
            self._attempt_ticks = _ATTEMPT_SHOWN
            self.pane.border_subtitle = attempt_words(grant, result)
