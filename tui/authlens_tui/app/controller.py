"""The controller of the app, loaded after the first paint.

Tokens that are due are refreshed, those about to expire are reported, and all secrets can be moved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from rich.text import Text
from textual.app import App
from textual.message import Message
from textual.worker import Worker

from authlens_core.desk.credentials import AccessKind, Grant, Index
from authlens_core.desk.lifecycle import ActionResult, BackgroundRefresh, background_refresh
from authlens_core.desk.session import (
    AuthlensError,
    Exchange,
    NoSecretStore,
    Secret,
    Session,
    StoreKind,
    move_secrets,
    open_secret_store,
    remembered_store,
    session_on,
)
from authlens_core.desk.settings import Config, NoticeKind, SettingsFile
from authlens_tui.app.logins import Logins
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.dashboard.batch_actions import Result, ResultsScreen
from authlens_tui.screens.dashboard.context import LoginWanted, MoveWanted, TraceWanted
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.records import Records
from authlens_tui.screens.store_choice import MoveStoreScreen, StoreChoice, StoreChoiceScreen, choice_after
from authlens_tui.screens.wizard.wizard_messages import OtherWayWanted, WizardClosed
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.terminal.themes import ThemeChosen
from authlens_tui.widgets.record.record_messages import Revealed, SignatureWanted
from authlens_tui.words.outcomes import after_a_crash, where_secrets_are_left
from authlens_tui.words.times import in_words

if TYPE_CHECKING:
    from authlens_core.desk.session import MoveReport, OnProgress, OpenedStore

_NOTICE: Final = 80  # characters of a notice outside of the terminal
_PAUSE: Final = 30.0  # seconds before the next try after the index could not be used
_LOOK_EVERY: Final = 5.0  # seconds between two looks for tokens that are about to expire


class AutomaticRefresh:
    """Runs from `start` until stopped."""

    def __init__(
        self, app: App[int], settings: SettingsFile, on_attempt: Callable[[Grant, ActionResult], None]
    ) -> None:
        self._app = app
        self._settings = settings
        self._on_attempt = on_attempt
        self._running: BackgroundRefresh | None = None

    def start(self, session: Session) -> None:
        """Run in a worker of the app, instead of one that runs already."""
        # Called by the worker: if the app ends before that begins, a coroutine would be left un-awaited.
        run = partial(self._run, session)
        _: Worker[None] = self._app.run_worker(run, exclusive=True, group="automatic refresh")

    async def _run(self, session: Session) -> None:
        self._running = background_refresh(session, lambda: self._settings.present, self._on_attempt)
        while True:
            try:
                await self._running.run()
            except AuthlensError as error:
                note = f"Auto-refresh is paused: {error.cause}"
                self._app.notify(note, severity="warning", markup=False)
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def stop(self) -> None:
        """Wait for a refresh that was sent, and start no other."""
        if self._running is not None:
            await self._running.stop()


class ExpiryNotice:
    """Reports each token that is about to expire, once."""

    def __init__(
        self, app: TerminalApp, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._app = app
        self._config = config
        self._now = now
        self._reported: set[tuple[str, datetime]] = set()

    def look(self, grants: Iterable[Grant]) -> None:
        """Report the tokens that expire within the configured time."""
        now = self._now()
        for grant in grants:
            ends = grant.expires_at
            # By credential and expiry: a token that was refreshed gets a notice of its own.
            if ends is None or not grant.state.is_wanted or (grant.grant_id, ends) in self._reported:
                continue
            seconds = (ends - now).total_seconds()
            # One that has ended already is shown on the dashboard; a notice for each at the start would be
            # noise.
            if 0 < seconds <= self._config.before_expiry:
                self._reported.add((grant.grant_id, ends))
                self._tell(f"{grant.resource_url.removeprefix('https://')} expires in {in_words(seconds)}")

    def _tell(self, sentence: str) -> None:
        self._app.notify(sentence, title="Expires soon", markup=False)
        # A semicolon would end the text of OSC 777.
        text = Content.line(sentence, limit=_NOTICE).plain.replace(";", ",")
        match self._config.notice:
            case NoticeKind.BELL:
                self._app.bell()
            case NoticeKind.OSC_9:
                self._app.write_to_terminal(f"\x1b]9;{text}\x07")
            case NoticeKind.OSC_777:
                self._app.write_to_terminal(f"\x1b]777;notify;authlens;{text}\x07")


def tell_of_expiry(app: TerminalApp, config: Config, grants: Callable[[], Iterable[Grant]]) -> None:
    """Report unknown settings of the configuration, and from now on each token that is about to expire."""
    notice = ExpiryNotice(app, config)

    def look() -> None:
        with suppress(AuthlensError):  # the dashboard says why
            notice.look(grants())

    for problem in config.problems:
        app.notify(problem, markup=False, title="Configuration", severity="warning")
    if config.before_expiry:
        app.set_interval(_LOOK_EVERY, look)


class SecretMove:
    """Moves all secrets to another store, with nothing refreshed meanwhile."""

    def __init__(
        self, app: App[int], session: Session, refresh: AutomaticRefresh, use: Callable[[Session], None]
    ) -> None:
        self._app = app
        self._session = session
        self._refresh = refresh
        self._use = use

    def ask(self, dashboard: DashboardScreen) -> None:
        try:
            new_file = not remembered_store().has_encrypted_file
        except AuthlensError as error:
            dashboard.context.say(str(error), good=False)
            return
        store = self._session.credentials.store
        self._app.push_screen(MoveStoreScreen(store.place, self._carry_out, new_file=new_file))

    async def _carry_out(self, choice: StoreChoice, unlock: Secret | None, on_progress: OnProgress) -> None:
        old = self._session
        # A refresh that stores its tokens in the old store meanwhile would be left behind there.
        await self._refresh.stop()
        try:
            report, self._session = await _move_everything(old, choice, unlock, on_progress)
            # Not before every secret is in the new store: until then the old one is what works.
            if self._session is not old:
                self._use(self._session)
                await old.credentials.aclose()
        finally:
            self._refresh.start(self._session)
        results = _results_of(report, self._session.credentials.store.place, choice.kind)
        # After the dialog that this runs in has closed: only the screen on top can be dismissed.
        self._app.call_later(self._app.push_screen, results)


async def _move_everything(
    now: Session, choice: StoreChoice, unlock: Secret | None, on_progress: OnProgress
) -> tuple[MoveReport, Session]:
    """Move everything to the place that was chosen, and return the session to go on with.

    It is on the new place, unless something stayed behind: then it is the old one.

    Args:
        unlock: the passphrase of an encrypted file that something comes from, and that is not open.

    Raises:
        NoSecretStore: a place cannot be opened; `PassphraseNeeded` and `WrongPassphrase` where that is why.
    """
    target = now
    if choice.kind is not now.credentials.store.place:
        target = await now.on(
            await open_secret_store(choice.kind, passphrase=choice.passphrase, create=choice.create)
        )

    async def unlocked() -> OpenedStore:
        return await open_secret_store(StoreKind.ENCRYPTED_FILE, passphrase=unlock)

    goes_on = now
    try:
        report = await move_secrets(target, unlocked, in_use=now, on_progress=on_progress)
        if report.is_complete:
            goes_on = target
    finally:
        if target is not goes_on:
            await target.credentials.aclose()  # both sessions have one sender
    return report, goes_on


def _results_of(report: MoveReport, open_now: StoreKind, new_store: StoreKind) -> ResultsScreen:
    there = f"It is stored in {new_store.words}."
    moved = [
        *(url.removeprefix("https://") for url in report.logins),
        *(f"{url.removeprefix('https://')} (service token)" for url in report.service_tokens),
        *(f"client {name}" for name in report.clients),
    ]
    results = [
        *(Result(what, True, there) for what in moved),
        *(
            Result(what, False, f"It was not moved: {error.cause}", error.cure)
            for what, error in report.failed
        ),
        *(
            Result(
                f"The record of {record.words}",
                None,
                "It cannot be read; its secrets were moved.",
                f"To remove it: {record.cure}",
            )
            for record in report.damaged
        ),
    ]
    new = f"New ones go to {new_store.words}." if report.is_complete else "New ones are stored as before."
    leftovers = where_secrets_are_left(report.left, open_now)
    summary = f"{len(moved)} moved · {len(report.failed)} not. {new} {leftovers}".strip()
    return ResultsScreen("Moved", summary, results)


Ask = Callable[[StoreChoiceScreen], Awaitable[StoreChoice | None]]


class Controller:
    """The objects that the app routes to, each with one job, and the session they share."""

    def __init__(
        self,
        app: TerminalApp,
        workspace: Workspace,
        show_dashboard: Callable[[Session], Awaitable[DashboardScreen]],
    ) -> None:
        self._app = app
        self._workspace = workspace
        self._show_dashboard = show_dashboard
        self._dashboard: DashboardScreen | None = None
        self.session: Session | None = None
        self.records = Records(app)
        self.logins = Logins(app, workspace, self.records)
        self._refresh = AutomaticRefresh(app, workspace.settings, self._on_attempt)

    async def begin(self, start_url: str | None, index: Index | None) -> None:
        """Open the session and start what was asked for; end the app where there is no session to open.

        Args:
            index: the records that the dashboard shows already, if it does.
        """
        app, workspace = self._app, self._workspace
        # The demo knows its URL only now: its emulator takes any free port.
        start_url = await workspace.prepare() or start_url
        try:
            opened = await open_session(workspace, app.push_screen_wait, self.records.log.note, index)
        except AuthlensError as error:
            app.exit(return_code=error.exit_code, message=Text(f"authlens: {error}"))
            return
        if opened is None:
            app.exit(return_code=NoSecretStore.exit_code)
            return
        self.session, notes = opened  # closed from here on, whatever happens
        # A login or a menu opens over the dashboard, which would be drawn for a moment.
        with app.batch_update():
            self._dashboard = await self._show_dashboard(self.session)
            self._work_on(self.session)
            start = partial(self.logins.start, self.session)
            offer = partial(self.logins.offer, self.session)
            workspace.begin(self.session, start_url, start=start, offer=offer)
        app.refresh()
        if notes:
            notice = " ".join((*notes, "On the dashboard, M moves all secrets to another store."))
            app.notify(notice, markup=False, title="Secret store")

    def _work_on(self, session: Session) -> None:
        """Start what runs beside the screens, as long as the app does or once."""
        self._use(session)
        app = self._app
        self._refresh.start(session)
        # Called by the worker: if the app ends before that begins, a coroutine would be left un-awaited.
        _: Worker[None] = app.run_worker(
            session.delete_orphans, group="orphans", description="delete orphans"
        )
        tell_of_expiry(app, self._workspace.config, self._grants)
        session.warm_up()

    def _on_attempt(self, grant: Grant, result: ActionResult) -> None:
        if self._dashboard is not None:
            self._dashboard.show_attempt(grant, result)

    def _grants(self) -> Iterable[Grant]:
        if self.session is None:
            return ()
        with self.session.credentials.index.waiting_briefly():
            return self.session.credentials.list()

    def _use(self, session: Session) -> None:
        self.session = session
        session.credentials.traces.on_trace = self.records.note_trace
        self._app.stored_words = after_a_crash(session.credentials.store.place)
        if self._dashboard is not None:
            self._dashboard.use(session)

    def _continue_with(self, session: Session) -> None:
        self._use(session)

    def answer(self, message: Message) -> None:
        session, dashboard = self.session, self._dashboard
        if session is None or dashboard is None:
            return
        match message:
            case LoginWanted():
                self.logins.start(session, message.url, message.options, message.account)
            case WizardClosed():
                self.logins.leave(session, message.then)
            case OtherWayWanted():
                self.logins.other_way(session, message)
            case MoveWanted():
                SecretMove(self._app, session, self._refresh, self._continue_with).ask(dashboard)
            case TraceWanted():
                self.records.show(session, message)
            case Revealed():
                self.records.note(session, AccessKind.REVEALED, "secrets of a trace")
            case ThemeChosen():
                with suppress(AuthlensError):
                    self._workspace.settings.change(theme=message.name)
            case SignatureWanted():
                checking = self.records.check_signatures(session, message)
                self._app.run_worker(checking, exclusive=True, group="signature")
            # A message that a screen posts and no one answers would be a key that does nothing.
            case _:
                raise TypeError(f"nothing answers {type(message).__name__}")

    async def aclose(self) -> None:
        """Stop refreshing, close the connections and the secret store."""
        # First: a refresh that was sent may have the only copy of a token.
        await self._refresh.stop()
        if self.session is not None:
            await self.session.aclose()


async def open_session(
    workspace: Workspace, ask: Ask, note: Callable[[Exchange], None], index: Index | None
) -> tuple[Session, tuple[str, ...]] | None:
    """Return the session and the notes on its store; None to quit.

    Args:
        note: called with each exchange.
        index: the records that the dashboard shows already, if it does.

    Raises:
        AuthlensError: the records cannot be read.
    """
    choice: StoreChoice | None = None
    while True:
        try:
            opened = await workspace.open_store(choice)
        # A locked keyring, a wrong passphrase, none at all: each leads to the same choice of a store.
        except NoSecretStore as error:
            choice = await ask(choice_after(error))
            if choice is None:
                return None
        else:
            return await session_on(opened, index=index, chosen=choice is not None, note=note)
