"""The program on the screen: dashboard and wizard on one session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, Final

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.theme import Theme
from textual.widgets import Static

from authlens_core.access.cloudflared_files import CloudflaredToken, find_cloudflared_tokens
from authlens_core.credentials.lifecycle.background_refresh import Attempted, BackgroundRefresh
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.access_log import Touched, note_touch
from authlens_core.credentials.vault.consolidate import delete_orphans
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.move import Heard
from authlens_core.credentials.vault.open_store import (
    OpenedStore,
    file_path,
    memory_only,
    open_store,
    remembered_place,
)
from authlens_core.errors import AuthlensError, NoSecretStore
from authlens_core.explain.message import jwts_of
from authlens_core.interruption import Interruptions
from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.login.facts import Facts, Options
from authlens_core.login.interrupted_login import InterruptedLogin
from authlens_core.login.jwks import check_signatures
from authlens_core.login.other_ways import OtherWay
from authlens_core.safe_text import safe_line
from authlens_core.secret import Secret
from authlens_core.session import Session, grant_of
from authlens_core.state.paths import state_directory
from authlens_core.state.settings import SettingsFile
from authlens_core.wire.client import Wire
from authlens_tui.app.base_app import BaseApp
from authlens_tui.app.moving import move_everything, results_of
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.messages import LoginWanted, MoveWanted, TraceWanted
from authlens_tui.screens.dashboard.move_store import MoveStoreScreen
from authlens_tui.screens.store_choice import StoreChoice, choice_after
from authlens_tui.screens.trace.open_session import Kept
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.screens.wizard.wizard import Player, WizardScreen
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.link_file import sweep_link_files
from authlens_tui.terminal.themes import SIXTEEN
from authlens_tui.widgets.record.record_view import RecordView
from authlens_tui.words.interrupted_login import BEGINS_ANEW, command_again, interrupted_words, why_it_ended

__all__ = ["AuthlensApp"]

_AFTER_TROUBLE: Final = 30.0
"""Seconds until refreshing by itself is begun again after the index could not be used."""


class AuthlensApp(BaseApp):
    """Dashboard and wizard on one session.

    Args:
        start_url: the resource to log in to at once; None begins with the dashboard.
        environ: the environment to go by; the process's own by default.
    """

    keeps_secrets: ClassVar[bool] = True
    """Whether what is earned is worth keeping, and so worth moving."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "take_up", "Take up", id="program.take_up", tooltip="Take up the interrupted login"),
    ]

    def __init__(self, *, start_url: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._start_url = start_url
        self._session: Session | None = None
        self._interruptions = Interruptions(None)
        self._interrupted: tuple[InterruptedLogin, ...] = ()
        self._place_chosen = False
        self._background: BackgroundRefresh | None = None
        self._looked_at: Callable[[], str] = str
        self._dashboard: DashboardScreen | None = None
        self._settings = self.open_settings()
        self._wear_remembered_theme()

    def compose(self) -> ComposeResult:
        """Say what is waited for until the first screen comes."""
        yield Static(Content("Opening the place for secrets …"), id="opening")

    def on_mount(self) -> None:
        """Find a place for secrets before anything is earned."""
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.run_worker(partial(sweep_link_files, self.environ), thread=True, group="sweep")
        self._begin()

    async def on_unmount(self) -> None:
        """Let what refreshes by itself end, close the connections and let go of the keyring."""
        if self._background is not None:
            await self._background.stop()
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

    def open_settings(self) -> SettingsFile:
        """Return what the person has set; the demo keeps nothing."""
        return SettingsFile.open()

    def find_elsewhere(self) -> tuple[CloudflaredToken, ...]:
        """Return the tokens that cloudflared keeps on this machine; none in the demo."""
        return find_cloudflared_tokens()

    def _wear_remembered_theme(self) -> None:
        """Wear the theme that was chosen once, unless this terminal has but sixteen colours."""
        name = self._settings.present.theme
        if name in self.available_themes and self.theme != SIXTEEN.name:
            self.theme = name

    def _remember_theme(self, theme: Theme) -> None:
        if self.theme != self._settings.present.theme:
            with suppress(AuthlensError):  # it is worn, remembered or not
                self._settings.change(theme=theme.name)

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
        return await (open_store() if place is StoreKind.KEYRING else open_store(place=place))

    async def _chosen(self, choice: StoreChoice) -> OpenedStore:
        self._place_chosen = True
        match choice.place:
            case StoreKind.MEMORY:
                return memory_only(in_place_of=state_directory())
            case StoreKind.KEYRING:
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
        self.secrets_place = opened.store.place
        try:
            credentials = Credentials.open(opened.store)
            await credentials.recover()
            known = credentials.index.fact("store") == safe_line(opened.store.name, 200)
            moved = credentials.note_store()
            if self._place_chosen and not credentials.index.read_only:
                credentials.remember_place()
        except AuthlensError as error:
            self.exit(return_code=error.exit_code, message=Text(f"authlens: {error}"))
            return
        self._session = Session(Wire(), credentials)
        self._interruptions = Interruptions.beside(credentials.store)
        self._interrupted = self._interruptions.find()
        self._dashboard = DashboardScreen(
            self._session,
            suggestion=self.suggestion(),
            settings=self._settings,
            find=self.find_elsewhere,
            can_move=self.keeps_secrets,
        )
        await self.push_screen(self._dashboard)
        self._keep_fresh(self._session)
        self.run_worker(delete_orphans(credentials), group="delete_orphans", description="delete orphans")
        self._tell_interrupted()
        if self._start_url is not None:
            self.start_login(self._start_url)
            self._note_again(self._start_url)
        # What there is to say of a place was said when it came into use.
        for note in (*(() if known else opened.notes), *((moved,) if moved else ())):
            self.notify(note, markup=False, title="Where secrets are kept")

    @work(exclusive=True, group="background", description="refresh by itself")
    async def _keep_fresh(self, session: Session) -> None:
        """Refresh what is due while the program is open, unless that is turned off."""
        self._background = BackgroundRefresh(
            session.credentials,
            session.wire,
            heard=self._refreshed_by_itself,
            settings=lambda: self._settings.present,
        )
        while True:
            try:
                await self._background.run()
            except AuthlensError as error:
                words = f"Nothing is refreshed by itself just now: {error.cause}"
                self.notify(words, severity="warning", markup=False)
                await asyncio.sleep(_AFTER_TROUBLE)
            else:
                return

    def _refreshed_by_itself(self, attempted: Attempted) -> None:
        if self._dashboard is not None:
            self._dashboard.show_attempt(attempted)

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard on `url`."""
        if self._session is None:
            return
        self.push_screen(self._wizard(self._session, url, self.options(), play=play))

    def _wizard(self, session: Session, url: str, options: Options, *, play: bool = False) -> WizardScreen:
        login = session.login(url, options)
        self._interruptions.follow(login)
        self._looked_at = lambda: _credential_of(login.facts)
        login.watch(self._hear_of_the_link)
        return WizardScreen(login, session.credentials.store.name, player=self.player(), play=play)

    def _hear_of_the_link(self, event: Event) -> None:
        """Clear the view for it; open it unasked, where the person has set that and the browser is theirs."""
        if not isinstance(event, AuthorizationReady):
            return
        self.clear_notifications()
        if not self._settings.present.open_browser:
            return
        if open_browser(event.url, self.environ):
            self.notify("The browser was asked to open the link, as you have set it.", markup=False)

    @on(RecordView.Revealed)
    def _revealed(self) -> None:
        """Note in the history that a person looked at the secrets of a credential."""
        holding_id = self._looked_at()
        if self._session is not None and holding_id:
            note_touch(self._session.credentials, holding_id, Touched.REVEALED, "secrets of a trace")

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

    def _settle(self, record: InterruptedLogin) -> None:
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

    @on(LoginWanted)
    def _login_wanted(self, message: LoginWanted) -> None:
        self.start_login(message.url)

    # -- moving what is kept ---------------------------------------------------------------------------

    @on(MoveWanted)
    def _move_wanted(self) -> None:
        if self._session is None or not isinstance(self.screen, DashboardScreen):
            return
        try:
            new_file = not file_path(StoreKind.ENCRYPTED_FILE).exists()
        except AuthlensError as error:
            self.screen.context.say(str(error), good=False)
            return
        place = self._session.credentials.store.place
        self.push_screen(MoveStoreScreen(place, self._carry_out, new_file=new_file))

    async def _carry_out(self, choice: StoreChoice, unlock: Secret | None, heard: Heard) -> None:
        """Move everything, with nothing refreshed meanwhile, and go on with what is on the new place."""
        if self._session is None:
            return
        old = self._session.credentials
        if self._background is not None:
            await self._background.stop()
        try:
            report, credentials = await move_everything(old, choice, unlock, heard)
            if credentials is not old:
                self._go_on_with(credentials)
                await old.aclose()
        except AuthlensError:
            self._keep_fresh(self._session)
            raise
        self._keep_fresh(self._session)
        self.call_later(self.push_screen, results_of(report, credentials, choice.place))

    def _go_on_with(self, credentials: Credentials) -> None:
        """Use other credentials from now on: only the dashboard has seen the ones before."""
        if self._session is None or self._dashboard is None:
            return
        was_kept = self._session.credentials.store.persistent
        self._session = Session(self._session.wire, credentials)
        self.secrets_place = credentials.store.place
        if not was_kept:
            self._interruptions = Interruptions.beside(credentials.store)
        self._dashboard.use(self._session)

    @on(TraceWanted)
    def _trace_wanted(self, message: TraceWanted) -> None:
        if self._session is not None:
            credentials, holding_id = self._session.credentials, message.holding_id
            kept = Kept(credentials.traces, holding_id) if holding_id else None
            self._looked_at = lambda: holding_id
            grants = (one for one in credentials.list() if one.grant_id == holding_id)
            issuer = next((one.issuer for one in grants), None)
            replay = "what is kept" if message.kept else ""
            self.push_screen(TraceScreen(message.trace, replay=replay, kept=kept, issuer=issuer))

    @on(RecordView.SignatureWanted)
    def _signature_wanted(self, message: RecordView.SignatureWanted) -> None:
        if self._session is not None:
            self._check_signature(self._session.wire, message)

    @work(exclusive=True, group="signature", description="check signatures")
    async def _check_signature(self, wire: Wire, wanted: RecordView.SignatureWanted) -> None:
        """Fetch the keys that a person asked for, and tell the view what came of it."""
        tokens = {one.token: one.jwt for one in jwts_of(wanted.record)}
        verdicts, exchanges = await check_signatures(
            wire, tokens, wanted.record, wanted.story, issuer=wanted.issuer
        )
        wanted.view.show_verdicts(wanted.record, verdicts, exchanges)

    @on(WizardScreen.OtherWayWanted)
    def _other_way_wanted(self, message: WizardScreen.OtherWayWanted) -> None:
        if self._session is None:
            return
        if message.way is OtherWay.CLOUDFLARED:
            from authlens_tui.screens.cloudflared import CloudflaredScreen

            self.push_screen(CloudflaredScreen(message.url, self._session, environ=self.environ))
        else:
            from authlens_tui.screens.dashboard.service_token import ServiceTokenScreen

            self.push_screen(ServiceTokenScreen(self._session, message.url))

    @on(WizardScreen.Left)
    def _wizard_left(self) -> None:
        if isinstance(self.screen, WizardScreen):
            self._interruptions.leave(self.screen.login)
            self.pop_screen()
            self.call_later(self._tell_interrupted)


def _credential_of(facts: Facts) -> str:
    """Return the id of the credential that a login has earned; empty before that."""
    earned = grant_of(facts, datetime.now(UTC))
    return "" if earned is None else earned[0].grant_id
