"""The app: dashboard and wizard on one session."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.theme import Theme
from textual.widgets import Static

from authlens_core.credentials.lifecycle.action_result import ActionResult
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.vault.consolidate import delete_orphans
from authlens_core.errors import AuthlensError, NoSecretStore
from authlens_core.session import Session
from authlens_core.wire.client import Wire
from authlens_tui.app.automatic_refresh import AutomaticRefresh
from authlens_tui.app.base_app import BaseApp
from authlens_tui.app.interrupted_logins import InterruptedLogins
from authlens_tui.app.logins import Logins
from authlens_tui.app.moving import SecretMove
from authlens_tui.app.opening import dashboard_on, open_credentials
from authlens_tui.app.records import REQUESTS_KEY, Records
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.dashboard.messages import LoginWanted, MoveWanted, TraceWanted
from authlens_tui.screens.wizard.messages import OtherWayWanted, WizardClosed
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.link_file import sweep_link_files
from authlens_tui.terminal.themes import SIXTEEN
from authlens_tui.widgets.record.record_view import RecordView

__all__ = ["AuthlensApp"]


class AuthlensApp(BaseApp):
    """Owns the session and routes what the screens ask for to the object whose job it is.

    Args:
        start_url: the resource to log in to at once; None starts with the dashboard.
        environ: environment variables; the process's own by default.
        workspace: what the app works on; this machine by default.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "resume", "Resume", id="program.take_up", tooltip="Resume the interrupted login"),
        REQUESTS_KEY,
    ]

    def __init__(
        self,
        *,
        start_url: str | None = None,
        environ: Mapping[str, str] | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        super().__init__(environ)
        self._start_url = start_url
        self.workspace = workspace or Workspace()
        self.settings = self.workspace.settings
        self.session: Session | None = None
        self.dashboard: DashboardScreen | None = None
        self._interrupted = InterruptedLogins()
        self._records = Records(self)
        self._logins = Logins(self, self.workspace, self._interrupted, self._records)
        self._refresh = AutomaticRefresh(self, self.settings, self._on_attempt)
        if self.settings.present.theme in self.available_themes and self.theme != SIXTEEN.name:
            self.theme = self.settings.present.theme

    def compose(self) -> ComposeResult:
        """Say what the app waits for until the first screen appears."""
        yield Static(Content("Opening the secret store …"), id="opening")

    def on_mount(self) -> None:
        """Open the secret store before any login."""
        self.theme_changed_signal.subscribe(self, self._remember_theme)
        self.run_worker(partial(sweep_link_files, self.environ), thread=True, group="sweep")
        self._begin()

    async def on_unmount(self) -> None:
        """Stop refreshing, close the connections and the secret store."""
        await self._refresh.stop()
        self._interrupted.close(self.return_code or 0)
        if self.session is not None:
            await self.session.aclose()
        await self.workspace.close()

    def _remember_theme(self, theme: Theme) -> None:
        if self.theme != self.settings.present.theme:
            with suppress(AuthlensError):  # it is applied, remembered or not
                self.settings.change(theme=theme.name)

    @work(exclusive=True, group="begin", description="open the secret store")
    async def _begin(self) -> None:
        start_url = await self.workspace.prepare() or self._start_url
        try:
            opened = await open_credentials(self.workspace, self.push_screen_wait)
        except AuthlensError as error:
            self.exit(return_code=error.exit_code, message=Text(f"authlens: {error}"))
            return
        if opened is None:
            self.exit(return_code=NoSecretStore.exit_code)
            return
        credentials, notes = opened
        self.secrets_place = credentials.store.place
        self.session = Session(Wire(note=self._records.log.note), credentials)
        self._interrupted.find(credentials.store)
        self.dashboard = dashboard_on(self.session, self.workspace)
        await self.push_screen(self.dashboard)
        self.run_worker(self._refresh.run(self.session), exclusive=True, group="background")
        self.run_worker(delete_orphans(credentials), group="delete_orphans", description="delete orphans")
        self.run_worker(self.session.wire.warm_up(), group="warm_up", description="prepare the first request")
        self._tell_interrupted()
        if start_url is not None:
            self.start(start_url)
        for note in notes:
            self.notify(note, markup=False, title="Secret store")

    def start(self, url: str) -> None:
        """Start with a login, if there is none; the demo may start with its menu."""
        self._logins.offer(self.session, url)

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard on `url`."""
        if self.session is not None:
            self._logins.start(self.session, url, play=play)

    def _on_attempt(self, grant: Grant, result: ActionResult) -> None:
        if self.dashboard is not None:
            self.dashboard.show_attempt(grant, result)

    def _tell_interrupted(self) -> None:
        if isinstance(self.screen, DashboardScreen) and (notice := self._interrupted.notice()) is not None:
            self.screen.result.update(notice)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to resume on the dashboard, if a login was interrupted."""
        if action == "resume":
            return self._interrupted.can_resume and isinstance(self.screen, DashboardScreen)
        return super().check_action(action, parameters)

    def action_requests(self) -> None:
        """Show every request of this session."""
        self._records.show_requests()

    async def action_resume(self) -> None:
        """Resume the interrupted login."""
        if self.session is not None:
            await self._logins.resume(self.session)

    @on(LoginWanted)
    def _login_wanted(self, message: LoginWanted) -> None:
        self.start_login(message.url)

    @on(OtherWayWanted)
    def _other_way_wanted(self, message: OtherWayWanted) -> None:
        if self.session is not None:
            self._logins.other_way(self.session, message)

    @on(WizardClosed)
    def _wizard_left(self) -> None:
        if isinstance(self.screen, WizardScreen):
            self._logins.leave(self.screen)
            self.call_later(self._tell_interrupted)

    @on(MoveWanted)
    def _move_wanted(self) -> None:
        if self.session is not None and self.dashboard is not None:
            SecretMove(self, self.session, self._refresh, self.continue_with).ask(self.dashboard)

    def continue_with(self, session: Session) -> None:
        """Use another session from now on, after the secrets moved."""
        if self.session is not None and not self.session.credentials.store.persistent:
            self._interrupted.store_moved(session.credentials.store)
        self.session = session
        self.secrets_place = session.credentials.store.place
        if self.dashboard is not None:
            self.dashboard.use(session)

    @on(TraceWanted)
    def _trace_wanted(self, message: TraceWanted) -> None:
        if self.session is not None:
            self._records.show(self.session, message)

    @on(RecordView.Revealed)
    def _revealed(self) -> None:
        if self.session is not None:
            self._records.note_reveal(self.session)

    @on(RecordView.SignatureWanted)
    def _signature_wanted(self, message: RecordView.SignatureWanted) -> None:
        if self.session is not None:
            checking = self._records.check_signatures(self.session, message)
            self.run_worker(checking, exclusive=True, group="signature", description="check signatures")
