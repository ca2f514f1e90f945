"""The demo's scenarios: each starts on a new emulator and ends in the menu or on the dashboard."""

from __future__ import annotations

from typing import Final

from textual.app import App

from authlens_core.emulator.scenario import Scenario
from authlens_core.login.login import Login
from authlens_core.session import Session
from authlens_core.trace.record import Outcome
from authlens_tui.app.demo_workspace import DemoWorkspace
from authlens_tui.screens.rehearsal import RehearsalScreen, Run

_GO_ON: Final = "r refreshes, v revokes, i shows the requests. b goes back to the scenarios."
_PROBE_WITH_IT: Final = (
    "↓ selects the {credential}, p calls the resource with it, i shows the response. b goes back to the "
    "scenarios."
)


class Scenarios:
    """Remembers which scenario runs."""

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
            url = await self._demo.start_over(session.credentials, scenario)
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
