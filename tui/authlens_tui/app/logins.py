"""The logins of the app, each in a wizard."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from textual.worker import Worker

from authlens_core.desk.log_in import (
    AuthorizationReady,
    Event,
    Login,
    Options,
    WayOn,
    start_login,
)
from authlens_core.desk.session import Session
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.records import Records
from authlens_tui.screens.wizard.demo_login import DemoLogin
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.screens.wizard.wizard_messages import OtherWayWanted, Then
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.words.times import already_words


class Logins:
    """Opens a wizard for each login, and tells `records` which credential its record is about."""

    def __init__(self, app: TerminalApp, workspace: Workspace, records: Records) -> None:
        self._app = app
        self._workspace = workspace
        self._records = records

    def start(
        self, session: Session, url: str, options: Options | None = None, account: str | None = None
    ) -> None:
        login = start_login(session, url, options or self._workspace.options(url), account=account)
        self._app.push_screen(self._wizard(session, url, login))
        adding = partial(self._workspace.add_credentials, session)
        _: Worker[None] = self._app.run_worker(adding, exclusive=True, group="credentials")

    def offer(self, session: Session, url: str) -> None:
        """Open the wizard on `url`, after a question if the user is logged in there already."""
        now = datetime.now(UTC)
        # A second login replaces the first one's tokens, and most servers then end those.
        grant = session.working_login(url)
        if grant is None:
            self.start(session, url)
            return
        sentence = f"{url}\n\n{already_words(grant.expires_at, now)} Cancel shows it on the dashboard."
        question = ConfirmScreen("Log in again?", sentence, "Log in again")
        self._app.push_screen(question, lambda again: self.start(session, url) if again else None)

    def leave(self, session: Session, then: Then) -> None:
        wizard = self._app.screen
        # The message can come after the screen was left by another key.
        if isinstance(wizard, WizardScreen):
            self._app.pop_screen()
            self._workspace.login_left(session, wizard.login, then)

    def other_way(self, session: Session, message: OtherWayWanted) -> None:
        """Open the dialog of another way in, for a resource without Managed OAuth."""
        if message.way is WayOn.CLOUDFLARED:
            from authlens_tui.screens.cloudflared import CloudflaredScreen

            self._app.push_screen(CloudflaredScreen(message.url, session))
        else:
            from authlens_tui.screens.dashboard.service_token_form import ServiceTokenScreen

            self._app.push_screen(ServiceTokenScreen(session, message.url))

    def _wizard(self, session: Session, url: str, login: Login) -> WizardScreen:
        # Asked each time: the credential exists only once the exchange has passed.
        self._records.credential_id = lambda: login.facts.grant_id or ""
        self._records.follow(login)
        login.watch(self._on_link)
        demo = self._workspace.demo_login(url) or DemoLogin()
        return WizardScreen(login, session.credentials.store.name, demo)

    def _on_link(self, event: Event) -> None:
        """Clear the view for the link; open it if the user's settings say so and the browser is here."""
        if not isinstance(event, AuthorizationReady):
            return
        # A toast over a link of many lines would be copied with it.
        self._app.clear_notifications()
        if self._workspace.settings.present.open_browser and open_browser(event.url, self._app.environ):
            self._app.notify("Opening the link in your browser, as set in the settings.", markup=False)
