"""The shared state of the dashboard: session, selection, running actions, and messages."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import getters
from textual.message import Message
from textual.screen import Screen

from authlens_core.desk.credentials import AuthlensError, InventoryEntry
from authlens_core.desk.settings import SettingsFile
from authlens_tui.terminal.terminal_app import TerminalApp

if TYPE_CHECKING:
    from authlens_core.desk.credentials import Index
    from authlens_core.desk.lifecycle import ActionResult
    from authlens_core.desk.session import Session
    from authlens_core.trace.record import Trace
    from authlens_core.values.login_options import Options
    from authlens_tui.screens.fix_keys import FixKeys

Work = Coroutine[Any, Any, object]


@dataclass(repr=False, eq=False)
class StatusMessage(Message, namespace="dashboard"):
    """A sentence for the line under the table; `good` is None while something still runs."""

    sentence: str
    good: bool | None


@dataclass(kw_only=True, repr=False, eq=False)
class Changed(Message, namespace="dashboard"):
    """The screen is out of date; `reread`: credentials changed, not only the running actions."""

    reread: bool


@dataclass(repr=False, eq=False)
class LoginWanted(Message, namespace="dashboard"):
    """The user wants to log in to `url`.

    Attributes:
        options: None for those that are usual there.
        account: the name of the login; None for the default account.
    """

    url: str
    options: Options | None = None
    account: str | None = None


class MoveWanted(Message, namespace="dashboard"):
    """The user wants to move all secrets to another store."""


@dataclass(repr=False, eq=False)
class TraceWanted(Message, namespace="dashboard"):
    """The user wants to see a trace.

    Attributes:
        entry_id: the credential it is about; empty if that is gone.
        is_stored: true for one from the history, whose secrets are fingerprints.
    """

    trace: Trace
    entry_id: str
    is_stored: bool


class CredentialScreen(Screen[None]):
    """A screen on which one credential is selected."""

    app = getters.app(TerminalApp)

    @property
    def selected(self) -> InventoryEntry | None:
        raise NotImplementedError


class DashboardContext:
    """The session and the reports that all actions on credentials share.

    Args:
        index: the records, which can be shown before the secret store is open.
        session: the sender and the credentials; None until the secret store is open.
    """

    def __init__(
        self,
        screen: CredentialScreen,
        index: Index,
        session: Session | None,
        settings: SettingsFile,
        now: Callable[[], datetime],
    ) -> None:
        self.screen = screen
        self._session = session
        self.index = index
        self.settings = settings
        self.now = now
        self.busy: dict[str, str] = {}
        """The running action of each credential, in a word."""
        self.refreshed: dict[str, ActionResult] = {}
        """The result of the newest automatic refresh of each credential."""

    @property
    def is_store_open(self) -> bool:
        """True once there is a session; until then the keys only change the view."""
        return self._session is not None

    @property
    def session(self) -> Session:
        """The sender and the credentials; there are none before the secret store is open."""
        if self._session is None:
            raise RuntimeError("the secret store is not open")
        return self._session

    @property
    def store_name(self) -> str:
        """The name of the secret store; empty before it is open."""
        return self.session.credentials.store.name if self.is_store_open else ""

    def use(self, session: Session) -> None:
        self._session, self.index = session, session.credentials.index

    @property
    def selected(self) -> InventoryEntry | None:
        return self.screen.selected

    def say(self, sentence: str, *, good: bool | None = None) -> None:
        self.screen.post_message(StatusMessage(sentence, good))

    @property
    def fixes(self) -> FixKeys:
        """Words a fix, with the keys of the dashboard that do it for the selected credential."""
        from authlens_tui.screens.fix_keys import FixKeys  # not needed for the first paint

        return FixKeys.on(self.screen)

    def trouble_of(self, entry: InventoryEntry) -> str:
        """Return why the automatic refresh of a credential failed, and what to do; empty if it did not."""
        result = self.refreshed.get(entry.entry_id)
        failed = result is not None and result.has_failed
        return f"{result.summary} {self.fixes(result.cure)}".strip() if result and failed else ""

    def changed(self, *, reread: bool = False) -> None:
        self.screen.post_message(Changed(reread=reread))

    def begin(self, doing: str, entries: Iterable[InventoryEntry]) -> None:
        self.busy |= {entry.entry_id: doing for entry in entries}
        self.changed()

    def end(self, entries: Iterable[InventoryEntry]) -> None:
        """Remove the running actions of some credentials."""
        for entry in entries:
            self.busy.pop(entry.entry_id, None)
        self.changed(reread=True)

    def is_busy(self, entry: InventoryEntry) -> bool:
        """Return whether an action is running for `entry`, and tell the user if so."""
        busy = entry.entry_id in self.busy
        if busy:
            self.say("Another action is still running for this credential.")
        return busy

    def run(self, work: Work, *, instead_of: str = "") -> None:
        """Run `work` beside the screen, and say why if it is refused.

        Args:
            instead_of: a name that such work shares; what still runs under it is cancelled.
        """
        group = instead_of or "action"
        self.screen.run_worker(self._until_refused(work), group=group, exclusive=bool(instead_of))

    async def _until_refused(self, work: Work) -> None:
        try:
            await work
        except AuthlensError as error:
            self.say(self.fixes.error(error), good=False)

    def show(self, screen: Screen[Any]) -> None:
        """Show another screen, unless one was opened meanwhile."""
        if self.screen.is_active:
            self.screen.app.push_screen(screen)

    def confirm(
        self,
        title: str,
        explanation: str,
        yes: str,
        then: Callable[[InventoryEntry], object],
        *,
        otherwise: str = "",
    ) -> None:
        """Ask about the selected credential, and act on that one even if the cursor moves meanwhile.

        Where the answer is no, say `otherwise`.
        """
        from authlens_tui.screens.dialog import ConfirmScreen  # not needed for the first paint

        entry = self.selected
        if entry is None or self.is_busy(entry):
            return

        def answered(agreed: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            # Meanwhile the table may have been sorted or refreshed: `entry` is what the question named.
            if agreed:
                then(entry)
            elif otherwise:
                self.say(otherwise)

        question = f"{entry.url or entry.title}\n\n{explanation}"
        self.screen.app.push_screen(ConfirmScreen(title, question, yes), answered)
