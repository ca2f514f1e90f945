"""The logins of the app: started in the wizard, noted while they run, and resumed if one was interrupted."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from textual.worker import Worker

from authlens_core.desk.log_in import (
    AuthorizationReady,
    Event,
    InterruptedLogin,
    Interruptions,
    Options,
    WayOn,
    interruptions,
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
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.words.login_states import (
    STARTS_AGAIN,
    already_words,
    command_again,
    interrupted_words,
)


class InterruptedLogins:
    """Holds those of earlier processes, and follows those of this one."""

    def __init__(self) -> None:
        self.notes = Interruptions(None)
        """Where those of this process are noted: nowhere, unless the secret store outlives it."""
        self._earlier: tuple[InterruptedLogin, ...] = ()

    def find(self, session: Session) -> None:
        self.notes = interruptions(session)
        self._earlier = self.notes.find()

    def notice(self) -> Content | None:
        if not self._earlier:
            return None
        record = self._earlier[0]
        cure = f"Run: {command_again(record)}" if record.needs_secret else "Press u to resume it."
        return Content(f"! {interrupted_words(record, datetime.now(UTC))} {cure}")

    @property
    def can_resume(self) -> bool:
        return bool(self._earlier) and not self._earlier[0].needs_secret

    def take_latest(self) -> InterruptedLogin | None:
        """Return the latest one, which counts as settled from now on, or None."""
        if not self._earlier:
            return None
        record = self._earlier[0]
        self._settle(record)
        return record

    def replaced_by(self, url: str) -> list[str]:
        """Settle the interrupted logins to `url`; return what to tell the user about each."""
        replaced = [record for record in self._earlier if record.resource_url == url]
        for record in replaced:
            self._settle(record)
        return [f"{interrupted_words(record, datetime.now(UTC))} {STARTS_AGAIN}" for record in replaced]

    def _settle(self, record: InterruptedLogin) -> None:
        self.notes.forget(record)
        self._earlier = tuple(earlier for earlier in self._earlier if earlier is not record)


class Logins:
    """Opens a wizard for each login, and tells `records` which credential its record is about."""

    def __init__(
        self, app: TerminalApp, workspace: Workspace, interrupted: InterruptedLogins, records: Records
    ) -> None:
        self._app = app
        self._workspace = workspace
        self._interrupted = interrupted
        self._records = records

    def start(self, session: Session, url: str, options: Options | None = None) -> None:
        self._app.push_screen(self._wizard(session, url, options or self._workspace.options(url)))
        adding = partial(self._workspace.add_credentials, session)
        _: Worker[None] = self._app.run_worker(adding, exclusive=True, group="credentials")
        for words in self._interrupted.replaced_by(url):
            self._app.notify(words, title="Interrupted", timeout=15, markup=False)

    def offer(self, session: Session, url: str) -> None:
        """Open the wizard on `url`, after a question if the user is logged in there already."""
        now = datetime.now(UTC)
        # A second login replaces the first one's tokens, and most servers then end those.
        known = session.working_login(url)
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

    def leave(self, session: Session, then: Then) -> None:
        wizard = self._app.screen
        # The message can come after the screen was left by another key.
        if isinstance(wizard, WizardScreen):
            self._interrupted.notes.leave(wizard.login)
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

    def _wizard(self, session: Session, url: str, options: Options | None) -> WizardScreen:
        login = start_login(session, url, options)
        self._interrupted.notes.follow(login)
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
