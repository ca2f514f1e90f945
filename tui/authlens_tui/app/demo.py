"""The demo: the app on the embedded emulator, with a menu of scenarios."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from textual import on, work
from textual.app import App
from textual.binding import BindingType

from authlens_core.desk.log_in import Login
from authlens_core.desk.session import Session
from authlens_core.emulator.access.faults import Fault
from authlens_core.emulator.scenario import Scenario, StandardCase
from authlens_core.trace.record import Outcome
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo_workspace import DemoWorkspace
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.rehearsal import RehearsalScreen, Run
from authlens_tui.screens.wizard.messages import WizardClosed
from authlens_tui.widgets.key_binding import bound

_GO_ON: Final = "r refreshes, v revokes, i shows the requests. b goes back to the scenarios."
_PROBE_WITH_IT: Final = (
    "↓ selects the {credential}, p calls the resource with it, i shows the response. b goes back to the "
    "scenarios."
)


class DemoApp(AuthlensApp):
    """Starts with the `menu` of scenarios, or with the wizard; can `play` each login to its end."""

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
        self._menu_first = menu
        self._scenarios = Scenarios(self, self._demo)
        self.install_screen(self._scenarios.menu, "rehearsal")  # it remembers what was run

    def start(self, url: str) -> None:
        self.action_menu() if self._menu_first else self.start_login(url)

    def start_login(self, url: str) -> None:
        """Open the wizard, with the other credential that the emulator's fault is about."""
        super().start_login(url)
        if self.session is not None:
            handing_out = self._demo.hand_out(self.session)
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


class Scenarios:
    """The scenarios: each starts on a new emulator, and ends in the menu or on the dashboard."""

    def __init__(self, app: App[int], demo: DemoWorkspace) -> None:
        self._app = app
        self._demo = demo
        self._running: Scenario | None = None
        self.menu = RehearsalScreen()

    async def begin(self, session: Session, scenario: Scenario) -> str | None:
        """Start the scenario's emulator; return its resource, or None if that did not work."""
        # A key pressed twice starts it once: the wizard lies over the menu by then.
        if self._app.screen is not self.menu:
            return None
        try:
            url = await self._demo.start_over(session, scenario)
        except OSError:
            words = "The emulator found no free port. Try again."
            self._app.notify(words, severity="error", markup=False)
            return None
        self._running = scenario
        return url

    def end(self, session: Session, login: Login) -> None:
        """Show the scenario's answer, or continue on the dashboard if the scenario does."""
        scenario, self._running = self._running, None
        if scenario is None:
            return
        self.menu.note_run(scenario, _ending(login))
        if scenario.ends_at_the_dashboard and session.credentials.list():
            self._app.call_later(self._continue_on_the_dashboard, scenario)

    def _continue_on_the_dashboard(self, scenario: Scenario) -> None:
        if self._app.screen is self.menu:
            self._app.pop_screen()
            words = _PROBE_WITH_IT.format(credential=scenario.brings) if scenario.brings else _GO_ON
            self._app.notify(words, title="The scenario continues here", timeout=10, markup=False)


def _ending(login: Login) -> Run:
    if login.finished:
        return Run.FINISHED
    records = login.trace.records
    return Run.FAILED if records and records[-1].outcome is Outcome.FAILED else Run.LEFT
