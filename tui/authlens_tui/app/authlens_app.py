"""The app: dashboard and wizard on one session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on, work
from textual._path import CSSPathType
from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import WorkerCancelled, WorkerFailed

from authlens_tui.app.base_app import BaseApp
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.dashboard import dashboard
from authlens_tui.screens.dashboard.context import LoginWanted, MoveWanted, TraceWanted
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.wizard.wizard_messages import OtherWayWanted, WizardClosed
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.themes import SIXTEEN, ThemeChosen
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.widgets.record.record_messages import Revealed, SignatureWanted

if TYPE_CHECKING:
    from authlens_core.desk.session import Index, Session
    from authlens_tui.app.controller import Controller


_SHEETS: Final[CSSPathType] = [
    Path(__file__).with_name("app.tcss"),
    Path(dashboard.__file__).with_name("dashboard.tcss"),  # Textual reads none of a default screen
]
_KEYS: Final[list[BindingType]] = [*keys("program"), *keys("demo")]


class AuthlensApp(ActionChecks, BaseApp):
    """Owns the session and routes what the screens ask for to the object whose job it is.

    Args:
        start_url: the resource to log in to at once; None starts with the dashboard.
        workspace: what the app works on; this machine by default, an emulator in the demo.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = _SHEETS
    BINDINGS = _KEYS

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
        if self.workspace.menu is not None:
            self.install_screen(self.workspace.menu, "menu")  # it remembers what was run
        self.settings = self.workspace.settings
        self.dashboard: DashboardScreen | None = None
        self._first: Index | None = None
        self.controller: Controller | None = None  # loaded after the first paint
        # That of this run comes first, then that of the configuration, then that of the settings.
        config, settings = self.workspace.config, self.settings.present
        self._configure((self.environ.get("AUTHLENS_THEME", ""), config.theme, settings.theme))

    @property
    def session(self) -> Session | None:
        """The sender and the credentials, when the secret store is open."""
        return None if self.controller is None else self.controller.session

    def get_default_screen(self) -> Screen[Any]:
        """Start with the dashboard on the records alone, if there are any and no login was asked for."""
        # The records need no secret: they are on the screen while the keyring is still being unlocked.
        if self._start_url is None and (first := self.workspace.first_look()) is not None:
            self._first, self.dashboard = first, self._dashboard(None, first)
        return super().get_default_screen() if self.dashboard is None else self.dashboard

    def compose(self) -> ComposeResult:
        """Show the start-up message if there is no other screen."""
        if self.dashboard is None:
            yield Static(Content(self.workspace.waits_for), id="opening")

    def on_mount(self) -> None:
        # Loading the rest of the app takes longer than a frame, so that the first picture comes before.
        self.call_after_refresh(self._begin)

    async def on_unmount(self) -> None:
        """Stop refreshing, close the connections and the secret store."""
        await self._end_opening()
        if self.controller is not None:
            await self.controller.aclose()
        if self._first is not None:  # after the controller, whose session may be reading it
            self._first.close()
        await self.workspace.close()

    @work(exclusive=True, group="begin", description="open the secret store")
    async def _begin(self) -> None:
        """Load the rest of the app, open the secret store, and start what was asked for."""
        self.controller = await asyncio.to_thread(self._controller)
        await self.controller.begin(self._start_url, self._first)

    async def show_dashboard(self, session: Session) -> DashboardScreen:
        """Return the dashboard, and show it if it was not shown on the records alone."""
        if self.dashboard is None:
            self.dashboard = self._dashboard(session)
            await self.push_screen(self.dashboard)
        return self.dashboard

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer each credential by its name; the palette shows it once it is looked for."""
        yield from super().get_system_commands(screen)
        if self.dashboard is not None and screen is self.dashboard:
            for entry in self.dashboard.listing.entries:
                select = partial(self.dashboard.table.select, entry.entry_id)
                yield SystemCommand("Credential", entry.title, select, discover=False)

    def action_menu(self) -> None:
        self.push_screen("menu")

    def can_menu(self) -> bool:
        # Elsewhere a login would stay unfinished.
        return self.workspace.menu is not None and isinstance(self.screen, DashboardScreen)

    def action_requests(self) -> None:
        if self.controller is not None:
            self.controller.records.show_requests()

    def action_open_file(self) -> None:
        if self.controller is not None:
            self.controller.records.open_file(self.session)

    def can_open_file(self) -> bool:
        return self.controller is not None and isinstance(self.screen, DashboardScreen)

    @on(LoginWanted)
    @on(MoveWanted)
    @on(OtherWayWanted)
    @on(Revealed)
    @on(SignatureWanted)
    @on(ThemeChosen)
    @on(TraceWanted)
    @on(WizardClosed)
    def _asked(self, message: Message) -> None:
        """Hand on what a screen asks for to the object whose job it is."""
        if self.controller is not None:
            self.controller.answer(message)

    def _configure(self, theme_names: Sequence[str]) -> None:
        """Set the keys, and the first theme of `theme_names` that there is."""
        self.set_keymap(self.workspace.config.keys)
        names = (name for theme in theme_names for name in (theme, f"authlens-{theme}"))
        theme = next((name for name in names if name in self.available_themes), None)
        # A terminal of sixteen colours would draw another theme in the nearest of its own, readable or not.
        if theme is not None and self.theme != SIXTEEN.name:
            self.theme = theme

    async def _end_opening(self) -> None:
        """Wait until a store that was being opened is closed: its helper must not outlive the program."""
        for worker in [worker for worker in self.workers if worker.group == "begin"]:
            worker.cancel()
            with suppress(WorkerCancelled, WorkerFailed):
                await worker.wait()

    def _controller(self) -> Controller:
        from authlens_tui.app.controller import Controller

        return Controller(self, self.workspace, self.show_dashboard)

    def _dashboard(self, session: Session | None, index: Index | None = None) -> DashboardScreen:
        workspace = self.workspace
        return DashboardScreen(
            session,
            index=index,
            suggest=workspace.suggestion,
            settings=workspace.settings,
            find=workspace.find_tokens,
            can_move=workspace.keeps_secrets,
            columns=workspace.config.columns,
        )
