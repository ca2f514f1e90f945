"""The demo: the app on the embedded emulator, with a menu of scenarios."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from authlens_core.emulator.faults import Fault
from authlens_core.emulator.scenario import StandardCase
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo_workspace import DemoWorkspace
from authlens_tui.app.scenarios import Scenarios
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.rehearsal import RehearsalScreen
from authlens_tui.screens.wizard.messages import WizardClosed
from authlens_tui.widgets.key_binding import bound


class DemoApp(AuthlensApp):
    """Starts with the menu of scenarios, or with the wizard on the emulator's resource.

    Args:
        play: true to run each login to its end and to sign in.
        menu: true to start with the menu.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bound("demo.menu", "b", "menu", "Scenarios", "Back to the menu of scenarios"),
    ]

    def __init__(
        self,
        *,
        faults: Collection[Fault | StandardCase] = (),
        play: bool = False,
        menu: bool = False,
        port: int = 8400,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._demo = DemoWorkspace(faults, port, plays=play)
        super().__init__(environ=environ, workspace=self._demo)
        self._play = play
        self._menu_first = menu
        self._scenarios = Scenarios(self, self._demo)
        self.install_screen(self._scenarios.menu, "rehearsal")  # it remembers what was run

    def start(self, url: str) -> None:
        self.action_menu() if self._menu_first else self.start_login(url)

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard, with the other credential that the emulator's fault is about."""
        super().start_login(url, play=play or self._play)
        if self.session is not None:
            handing_out = self._demo.hand_out(self.session.credentials)
            self.run_worker(handing_out, exclusive=True, group="demo credentials", description="add them")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the menu on the dashboard, where it leaves nothing unfinished."""
        if action == "menu":
            return isinstance(self.screen, DashboardScreen)
        return super().check_action(action, parameters)

    def action_menu(self) -> None:
        self.push_screen("rehearsal")

    @on(RehearsalScreen.Chosen)
    @work(exclusive=True, group="rehearse", description="start a scenario")
    async def _run_scenario(self, message: RehearsalScreen.Chosen) -> None:
        if self.session and (url := await self._scenarios.begin(self.session, message.scenario)):
            self.start_login(url)

    @on(WizardClosed)
    def _scenario_left(self, message: WizardClosed) -> None:
        if self.session is not None:
            self._scenarios.end(self.session, message.login)
