"""Start logins in the wizard: on a URL, or resuming one that was interrupted."""

from __future__ import annotations

from datetime import UTC, datetime

from authlens_core.credentials.records.working_login import working_logins
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.trace.events import AuthorizationReady, Event
from authlens_core.values.login_options import Options
from authlens_core.values.way_on import WayOn
from authlens_tui.app.interrupted_logins import InterruptedLogins
from authlens_tui.app.records import Records
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.wizard.messages import OtherWayWanted
from authlens_tui.screens.wizard.wizard import WizardScreen
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.words.logins import STARTS_AGAIN, already_words


class Logins:
    """Opens a wizard for each login, and tells `records` which credential its record is about."""

    def __init__(
        self, app: TerminalApp, workspace: Workspace, interrupted: InterruptedLogins, records: Records
    ) -> None:
        self._app = app
        self._workspace = workspace
        self._interrupted = interrupted
        self._records = records

    def start(self, session: Session, url: str) -> None:
        self._app.push_screen(self._wizard(session, url, self._workspace.options(url)))
        for words in self._interrupted.replaced_by(url):
            self._app.notify(words, title="Interrupted", timeout=15, markup=False)

    def offer(self, session: Session, url: str) -> None:
        """Open the wizard on `url`, after a question if the user is logged in there already."""
        now = datetime.now(UTC)
        known = working_logins(session.credentials.list(), now).get(url)
        if known is None:
            self.start(session, url)
            return
        words = f"{url}\n\n{already_words(known, now)} Cancel shows it on the dashboard."
        question = ConfirmScreen("Log in again?", words, "Log in again")
        self._app.push_screen(question, lambda again: self.start(session, url) if again else None)

    async def resume(self, session: Session) -> None:
        """Run the latest interrupted login again, with its options, until it needs the user."""
        record = self._interrupted.take_latest()
        if record is None:
            return
        wizard = self._wizard(session, record.resource_url, record.again)
        await self._app.push_screen(wizard)
        self._app.notify(STARTS_AGAIN, title="Resumed", timeout=10, markup=False)
        wizard.runner.run_all()

    def leave(self) -> bool:
        wizard = self._app.screen
        if not isinstance(wizard, WizardScreen):
            return False
        self._interrupted.leave(wizard.login)
        self._app.pop_screen()
        return True

    def other_way(self, session: Session, message: OtherWayWanted) -> None:
        """Open the dialog of another way in, for a resource without Managed OAuth."""
        if message.way is WayOn.CLOUDFLARED:
            from authlens_tui.screens.cloudflared import CloudflaredScreen

            self._app.push_screen(CloudflaredScreen(message.url, session))
        else:
            from authlens_tui.screens.dashboard.service_token import ServiceTokenScreen

            self._app.push_screen(ServiceTokenScreen(session, message.url))

    def _wizard(self, session: Session, url: str, options: Options | None) -> WizardScreen:
        login = start_login(session, url, options)
        self._interrupted.follow(login)
        # Asked each time: the credential exists only once the exchange has passed.
        self._records.credential_id = lambda: login.facts.grant_id or ""
        login.watch(self._on_link)
        place, workspace = session.credentials.store.name, self._workspace
        return WizardScreen(login, place, player=workspace.player(), play=workspace.plays)

    def _on_link(self, event: Event) -> None:
        """Clear the view for the link; open it if the user's settings say so and the browser is here."""
        if not isinstance(event, AuthorizationReady):
            return
        self._app.clear_notifications()
        if self._workspace.settings.present.open_browser and open_browser(event.url, self._app.environ):
            self._app.notify("Opening the link in your browser, as set in the settings.", markup=False)
