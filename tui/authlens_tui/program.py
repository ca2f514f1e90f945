"""The programs on the screen: dashboard and wizard on one session, and the replay of a session file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.content import Content

from authlens_core.credentials.grants import Credentials
from authlens_core.credentials.open_store import OpenedStore, memory_only, open_store, remembered_place
from authlens_core.credentials.place import Place
from authlens_core.errors import AuthlensError, NoSecretStore
from authlens_core.interruption import Interruptions
from authlens_core.login.facts import Options
from authlens_core.login.unfinished import Unfinished
from authlens_core.session import Session
from authlens_core.trace.record import Trace
from authlens_core.wire.client import Wire
from authlens_tui.app import AuthlensApp
from authlens_tui.screens.dashboard import DashboardScreen
from authlens_tui.screens.open_session import Kept
from authlens_tui.screens.store_choice import StoreChoice, choice_after
from authlens_tui.screens.trace import TraceScreen
from authlens_tui.screens.wizard import Player, WizardScreen
from authlens_tui.unfinished_words import BEGINS_ANEW, command_again, interrupted_words, why_it_ended

__all__ = ["Program", "Replay"]


class Program(AuthlensApp):
    """Dashboard and wizard on one session.

    Args:
        start_url: the resource to log in to at once; None begins with the dashboard.
        environ: the environment to go by; the process's own by default.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "take_up", "Take up", id="program.take_up", tooltip="Take up the interrupted login"),
    ]

    def __init__(self, *, start_url: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._start_url = start_url
        self._session: Session | None = None
        self._interruptions = Interruptions(None)
        self._interrupted: tuple[Unfinished, ...] = ()
        self._place_chosen = False

    def on_mount(self) -> None:
        """Find a place for secrets before anything is earned."""
        self._begin()

    async def on_unmount(self) -> None:
        """Close the connections and let go of the keyring."""
        self._interruptions.close(why_it_ended(self.return_code or 0))
        if self._session is not None:
            await self._session.aclose()

    async def prepare(self) -> None:
        """Do what has to be done before the first screen; nothing, outside the demo."""

    def options(self) -> Options:
        """Return the options that every login of this program begins with."""
        return Options()

    def suggestion(self) -> str:
        """Return the URL that a new login begins with; empty, outside the demo."""
        return ""

    def player(self) -> Player | None:
        """Return who signs in for the person; nobody, outside the demo."""
        return None

    async def open_place_for_secrets(self) -> OpenedStore | None:
        """Return the place that was remembered, or what the person chose in its stead; None to leave.

        Nothing takes the keyring's place unasked.
        """
        choice: StoreChoice | None = None
        while True:
            try:
                return await (self._remembered() if choice is None else self._chosen(choice))
            except NoSecretStore as error:
                choice = await self.push_screen_wait(choice_after(error))
            if choice is None:
                return None

    async def _remembered(self) -> OpenedStore:
        place = remembered_place()
        return await (open_store() if place is Place.KEYRING else open_store(place=place))

    async def _chosen(self, choice: StoreChoice) -> OpenedStore:
        self._place_chosen = True
        match choice.place:
            case Place.MEMORY:
                return memory_only()
            case Place.KEYRING:
                return await open_store()
            case place:
                return await open_store(place=place, passphrase=choice.passphrase, create=choice.create)

    @work(exclusive=True, group="begin", description="open the place for secrets")
    async def _begin(self) -> None:
        await self.prepare()
        opened = await self.open_place_for_secrets()
        if opened is None:
            self.exit(return_code=NoSecretStore.exit_code)
            return
        try:
            credentials = Credentials.open(opened.store)
            await credentials.recover()
            moved = credentials.note_store()
            if self._place_chosen and not credentials.index.read_only:
                credentials.remember_place()
        except AuthlensError as error:
            self.exit(return_code=error.exit_code, message=Text(f"authlens: {error}"))
            return
        self._session = Session(Wire(), credentials)
        self._interruptions = Interruptions.beside(credentials.store)
        self._interrupted = self._interruptions.find()
        await self.push_screen(DashboardScreen(self._session, suggestion=self.suggestion()))
        self._tell_interrupted()
        for note in (*opened.notes, *((moved,) if moved else ())):
            self.notify(note, markup=False, title="Where secrets are kept")
        if self._start_url is not None:
            self._note_again(self._start_url)
            self.start_login(self._start_url)

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard on `url`."""
        if self._session is None:
            return
        self.push_screen(self._wizard(self._session, url, self.options(), play=play))

    def _wizard(self, session: Session, url: str, options: Options, *, play: bool = False) -> WizardScreen:
        login = session.login(url, options)
        self._interruptions.follow(login)
        return WizardScreen(login, session.credentials.store.name, player=self.player(), play=play)

    # -- logins that were interrupted ------------------------------------------------------------------

    def _tell_interrupted(self) -> None:
        """Say on the dashboard which login was interrupted, and what leads on."""
        if not self._interrupted or not isinstance(self.screen, DashboardScreen):
            return
        record = self._interrupted[0]
        cure = f"Run: {command_again(record)}" if record.needs_secret else "Press u to take it up again."
        self.screen.result.update(Content(f"! {interrupted_words(record, datetime.now(UTC))} {cure}"))
        self.refresh_bindings()

    def _note_again(self, url: str) -> None:
        """Where a login to `url` was interrupted: say so, and that the one which begins now replaces it."""
        for record in [one for one in self._interrupted if one.resource_url == url]:
            words = f"{interrupted_words(record, datetime.now(UTC))} {BEGINS_ANEW}"
            self.notify(words, title="Interrupted", timeout=15, markup=False)
            self._settle(record)

    def _settle(self, record: Unfinished) -> None:
        self._interruptions.forget(record)
        self._interrupted = tuple(one for one in self._interrupted if one is not record)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to take a login up on the dashboard, where one was interrupted."""
        if action == "take_up":
            waiting = bool(self._interrupted) and not self._interrupted[0].needs_secret
            return waiting and isinstance(self.screen, DashboardScreen)
        return super().check_action(action, parameters)

    async def action_take_up(self) -> None:
        """Walk the interrupted login again, with what was decided then, until it needs the person."""
        if self._session is None or not self._interrupted:
            return
        record = self._interrupted[0]
        self._settle(record)
        wizard = self._wizard(self._session, record.resource_url, record.again)
        await self.push_screen(wizard)
        self.notify(BEGINS_ANEW, title="Taken up again", timeout=10, markup=False)
        wizard.action_run_all()

    @on(DashboardScreen.LoginWanted)
    def _login_wanted(self, message: DashboardScreen.LoginWanted) -> None:
        self.start_login(message.url)

    @on(DashboardScreen.TraceWanted)
    def _trace_wanted(self, message: DashboardScreen.TraceWanted) -> None:
        self.push_screen(TraceScreen(message.trace, kept=self._kept(message.trace)))

    def _kept(self, trace: Trace) -> Kept | None:
        """Return where more traces of the same credential are."""
        if self._session is None:
            return None
        try:
            grant = self._session.credentials.find(trace.resource_url)
        except AuthlensError:
            return None
        return None if grant is None else Kept(self._session.credentials.traces, grant.grant_id)

    @on(WizardScreen.Left)
    def _wizard_left(self) -> None:
        if isinstance(self.screen, WizardScreen):
            self._interruptions.leave(self.screen.login)
            self.pop_screen()
            self.call_later(self._tell_interrupted)


class Replay(AuthlensApp):
    """A session file, read-only; it needs no keyring and sends nothing.

    Args:
        trace: what the file holds.
        name: what to call it.
        environ: the environment to go by; the process's own by default.
    """

    def __init__(self, trace: Trace, name: str, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._first = TraceScreen(trace, replay=name)

    def on_mount(self) -> None:
        """Show it."""
        self.push_screen(self._first)
