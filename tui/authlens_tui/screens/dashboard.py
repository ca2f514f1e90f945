"""The dashboard: every credential, its two clocks, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NamedTuple

from textual import getters, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import DataTable, Footer, Static

from authlens_core.credentials.index import Event
from authlens_core.credentials.model import Grant
from authlens_core.credentials.prove import prove
from authlens_core.credentials.refresh import refresh
from authlens_core.credentials.revoke import revoke
from authlens_core.errors import AuthlensError
from authlens_core.safe_text import safe_line
from authlens_core.session import Session
from authlens_core.trace.record import Trace
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.new_login import NewLoginScreen
from authlens_tui.widgets.grant_row import Column, columns_for, grant_detail, grant_row
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["DashboardScreen"]

_EMPTY = Content.assemble(
    ("No credentials on this machine yet.\n\n", "bold"),
    "Press ",
    ("n", "bold $text-primary"),
    " and give the address of a protected page or an MCP server. authlens walks the login with you, "
    "one stage at a time, and keeps what it earns in the keyring.\n\n"
    "Only want to look around? Leave with ",
    ("q", "bold $text-primary"),
    " and run ",
    ("authlens demo", "bold"),
    ": it brings its own server.",
)

_NEED_A_GRANT: Final = frozenset({"refresh", "probe", "revoke", "login_again", "forget"})


class _Done(NamedTuple):
    """What an action came to, for the person."""

    words: str
    good: bool
    trace: Trace | None = None


_Action = Callable[[Grant], Coroutine[Any, Any, _Done]]


class DashboardScreen(Screen[None]):
    """One table of every credential; the selected one in full beside it."""

    CSS_PATH = "dashboard.tcss"
    TITLE = "Dashboard"
    HELP = (
        "The table shows every credential that authlens keeps on this machine. The state is written in words "
        "and as a symbol. Left is the life of the access token; a refresh gives a new one without a browser."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new_login", "New login", id="dashboard.new", tooltip="Log in to another resource"),
        Binding("r", "refresh", "Refresh", id="dashboard.refresh", tooltip="Get a new access token"),
        Binding("p", "probe", "Probe", id="dashboard.probe", tooltip="Ask the resource whether it works"),
        Binding("v", "revoke", "Revoke", id="dashboard.revoke", tooltip="End it at the server, with proof"),
        Binding("l", "login_again", "Log in again", id="dashboard.login", tooltip="Walk the login once more"),
        Binding("f", "forget", "Forget", id="dashboard.forget", tooltip="Remove from this machine only"),
        Binding(
            "i", "inspect", "Inspect", id="dashboard.inspect", tooltip="See what was sent last", show=False
        ),
    ]

    table = getters.query_one("#credentials", DataTable)
    detail = getters.query_one("#detail", Static)
    result = getters.query_one("#result", Static)

    class LoginWanted(Message):
        """The person wants to log in to `url`."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class TraceWanted(Message):
        """The person wants to see `trace`."""

        def __init__(self, trace: Trace) -> None:
            super().__init__()
            self.trace = trace

    def __init__(
        self,
        session: Session,
        *,
        suggestion: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self._suggestion = suggestion
        self._session = session
        self._now = now
        self._grants: dict[str, Grant] = {}
        self._columns: tuple[Column, ...] = ()
        self._cells: dict[str, dict[str, str]] = {}
        self._last_trace: dict[str, Trace] = {}
        self._newest_trace: Trace | None = None
        self._busy: set[str] = set()
        self._asking = False
        self._detail_shown = ""
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay out table, detail and result line."""
        yield TitleBar("credentials", self._session.credentials.store.name)
        with Horizontal(id="dashboard"):
            yield DataTable(id="credentials", cursor_type="row", zebra_stripes=False)
            with VerticalScroll(id="detail-box"):
                yield Static(id="detail")
        yield Static(id="result")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill the table and start the clock."""
        self.table.border_title = "Credentials"
        self._ticker = self.set_interval(1.0, self.show_grants)
        self.show_grants()
        self.table.focus()

    def on_resize(self) -> None:
        """Give the columns the width there is; only a change of theirs fills the table anew."""
        room = self.table.size.width if self.table.size.width else self.size.width
        columns = columns_for(room - 2)
        if columns == self._columns:
            return
        self._columns = columns
        row = self.table.cursor_row
        self.table.clear(columns=True)
        self._cells.clear()
        for column in columns:
            self.table.add_column(column.title, key=column.key, width=column.width)
        self.show_grants()
        self.table.move_cursor(row=row)

    def on_screen_resume(self) -> None:
        """Show what a login or another process changed meanwhile."""
        if self._ticker is not None:
            self._ticker.resume()
            self.show_grants()

    def on_screen_suspend(self) -> None:
        """Let the clock rest while nobody looks."""
        if self._ticker is not None:
            self._ticker.pause()

    # -- what is shown ---------------------------------------------------------------------------------

    def show_grants(self) -> None:
        """Bring the table up to date, touching only the cells whose text changed."""
        if not self._columns:
            return
        now = self._now()
        try:
            listed, damaged = self._session.credentials.index.grants()
        except AuthlensError as error:
            self._say(str(error), good=False)
            return
        grants = {grant.grant_id: grant for grant in listed}
        with self.app.batch_update():
            for gone in self._cells.keys() - grants.keys():
                self.table.remove_row(gone)
                del self._cells[gone]
            for grant_id, grant in grants.items():
                self._show_row(grant_id, grant_row(grant, now, busy=grant_id in self._busy))
        emptied = bool(grants) != bool(self._grants)
        self._grants = grants
        self.set_class(not grants, "-empty")
        box = self.query_one("#detail-box")
        box.border_title = "Detail" if grants else "Welcome"
        box.border_subtitle = self.table.border_subtitle = Content(_of_damaged(damaged))
        self._show_detail(now)
        if emptied:
            self.refresh_bindings()

    def _show_row(self, grant_id: str, cells: dict[str, Content]) -> None:
        before = self._cells.get(grant_id)
        if before is None:
            self.table.add_row(*(_fitting(cells, column) for column in self._columns), key=grant_id)
        else:
            for column in self._columns:
                if cells[column.key].plain != before[column.key]:
                    self.table.update_cell(grant_id, column.key, _fitting(cells, column))
        self._cells[grant_id] = {key: cell.plain for key, cell in cells.items()}

    def _show_detail(self, now: datetime) -> None:
        grant = self.selected
        shown = _EMPTY if grant is None else grant_detail(grant, now, self._history(grant))
        if shown.plain != self._detail_shown:
            self._detail_shown = shown.plain
            self.detail.update(shown)

    def _history(self, grant: Grant) -> Sequence[Event]:
        try:
            return self._session.credentials.events(grant.grant_id, 6)
        except AuthlensError:
            return ()  # the table has said so already, or says it in a second

    @property
    def selected(self) -> Grant | None:
        """The grant under the cursor, or None."""
        if not self._cells or not self.table.is_valid_coordinate(self.table.cursor_coordinate):
            return None
        key = self.table.coordinate_to_cell_key(self.table.cursor_coordinate).row_key.value
        return self._grants.get(key) if key is not None else None

    @on(DataTable.RowHighlighted)
    def _another_row(self) -> None:
        self._show_detail(self._now())

    @on(DataTable.RowSelected)
    def _row_chosen(self) -> None:
        self.action_inspect()

    # -- what can be done ------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show the keys that act on a credential only where there is one."""
        return bool(self._grants) if action in _NEED_A_GRANT else True

    def action_new_login(self) -> None:
        """Ask for a URL and start the wizard on it."""
        self._ask(self._ask_for_url)

    async def _ask_for_url(self) -> None:
        url = await self.app.push_screen_wait(NewLoginScreen(self._suggestion))
        if url is not None:
            self.post_message(self.LoginWanted(url))

    def _ask(self, question: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Ask one question at a time: a key pressed twice opens one window."""
        if not self._asking:
            self._asking = True
            self._await_answer(question)

    @work(group="ask", description="ask a question")
    async def _await_answer(self, question: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await question()
        finally:
            self._asking = False

    def action_login_again(self) -> None:
        """Start the wizard on the selected resource."""
        grant = self.selected
        if grant is not None:
            self.post_message(self.LoginWanted(grant.resource_url))

    def action_inspect(self) -> None:
        """Show the exchanges of the last action on the selected credential."""
        grant = self.selected
        trace = self._newest_trace if grant is None else self._last_trace.get(grant.grant_id)
        if trace is None:
            self._say(
                "Nothing was sent for this credential since authlens started: refresh (r) or probe (p) it."
            )
        else:
            self.post_message(self.TraceWanted(trace))

    def action_refresh(self) -> None:
        """Refresh the selected credential."""
        self._start(self.selected, "refreshing", self._refresh)

    def action_probe(self) -> None:
        """Ask the resource whether the selected credential works."""
        self._start(self.selected, "asking the resource", self._probe)

    def action_revoke(self) -> None:
        """Revoke the selected credential, after a question."""
        words = (
            "The server ends the refresh token and the access token; authlens then calls the resource to see "
            "it refuse, and only then removes them here. To use the resource again you have to log in."
        )
        self._confirm("Revoke at the server?", words, "Revoke", ("revoking", self._revoke))

    def action_forget(self) -> None:
        """Remove the selected credential from this machine, after a question."""
        words = (
            "The server is not told: the tokens stay valid there until they end. To end them, revoke "
            "instead (v)."
        )
        self._confirm("Forget on this machine?", words, "Forget", ("forgetting", self._forget))

    def _confirm(self, title: str, words: str, yes: str, doing: tuple[str, _Action]) -> None:
        """Ask about the credential that is selected now, and act on that one whatever is selected then."""
        grant = self.selected
        if grant is None or self._is_busy(grant):
            return

        async def ask() -> None:
            named = f"{safe_line(grant.resource_url, 200)}\n\n{words}"
            if await self.app.push_screen_wait(ConfirmScreen(title, named, yes)):
                self._start(grant, *doing)

        self._ask(ask)

    async def _refresh(self, grant: Grant) -> _Done:
        done = await refresh(self._session.credentials, self._session.wire, grant.grant_id, force=True)
        good = done.outcome.value in {"refreshed", "adopted", "not needed"}
        return _Done(f"{done.summary} {done.cure}".strip(), good, done.trace)

    async def _probe(self, grant: Grant) -> _Done:
        done = await prove(self._session.credentials, self._session.wire, grant.grant_id)
        return _Done(f"{done.summary} {done.cure}".strip(), done.accepted is True, done.trace)

    async def _revoke(self, grant: Grant) -> _Done:
        done = await revoke(self._session.credentials, self._session.wire, grant.grant_id)
        return _Done(f"{done.summary} {done.cure}".strip(), done.removed, done.trace)

    async def _forget(self, grant: Grant) -> _Done:
        erased = await self._session.credentials.forget(grant.grant_id)
        words = "Removed from this machine. Its tokens stay valid at the server until they end."
        return _Done(words if erased else f"{words} The keyring did not answer; its entry goes later.", True)

    def _start(self, grant: Grant | None, doing: str, action: _Action) -> None:
        if grant is None:
            self._say("Choose a credential first, or press n for a new login.")
        elif not self._is_busy(grant):
            self._busy.add(grant.grant_id)
            self._say(f"{doing.capitalize()} {safe_line(grant.resource_url, 120)} …")
            self._perform(grant, action)

    def _is_busy(self, grant: Grant) -> bool:
        busy = grant.grant_id in self._busy
        if busy:
            self._say("Something is under way for this credential already.")
        return busy

    @work(group="action", description="act on a credential")
    async def _perform(self, grant: Grant, action: _Action) -> None:
        self.show_grants()
        try:
            done = await action(grant)
        except AuthlensError as error:
            done = _Done(str(error), False)
        finally:
            self._busy.discard(grant.grant_id)
        if done.trace is not None:
            self._last_trace[grant.grant_id] = self._newest_trace = done.trace
        self._say(done.words, good=done.good)
        self.show_grants()

    def _say(self, words: str, *, good: bool | None = None) -> None:
        symbol = {True: ("✔ ", "bold $text-success"), False: ("✖ ", "bold $text-error"), None: ("", "")}[good]
        self.result.update(Content.assemble(symbol, Content(safe_line(words, 600))))


def _of_damaged(damaged: Sequence[str]) -> str:
    """Say how many records cannot be read and how to be rid of them; nothing where there are none."""
    if not damaged:
        return ""
    count = "1 record" if len(damaged) == 1 else f"{len(damaged)} records"
    return f"! {count} cannot be read: authlens list names them"


def _fitting(cells: dict[str, Content], column: Column) -> Content:
    """Return a cell as wide as its column; what is cut ends in an ellipsis."""
    return cells[column.key].truncate(column.width, ellipsis=True)
