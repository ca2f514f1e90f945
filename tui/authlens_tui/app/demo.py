"""The demo: the program on the embedded emulator. No account, no network, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Final

from textual import on, work
from textual.binding import Binding, BindingType

from authlens_core.access.cloudflared_files import CloudflaredToken
from authlens_core.credentials.vault.open_store import OpenedStore, memory_only
from authlens_core.emulator.emulator import Emulator
from authlens_core.emulator.faults import Fault
from authlens_core.emulator.person import play_person
from authlens_core.emulator.scenario import Scenario
from authlens_core.errors import AuthlensError
from authlens_core.login.facts import Options
from authlens_core.state.settings import SettingsFile
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo_credentials import DemoCredentials
from authlens_tui.screens.dashboard.dashboard import DashboardScreen
from authlens_tui.screens.rehearsal import RehearsalScreen
from authlens_tui.screens.wizard.authorization_link import Played
from authlens_tui.screens.wizard.wizard import Player, WizardScreen

__all__ = ["DemoApp"]

_TOKEN_LIFETIME: Final = 120  # seconds: long enough to look around, short enough to see it end

_GO_ON: Final = "r refreshes, v revokes, i shows what was sent. b leads back to the scenarios."
_ASK_WITH_IT: Final = (
    "↓ selects the {credential}, p asks the resource with it, i shows the answer. "
    "b leads back to the scenarios."
)


class DemoApp(AuthlensApp):
    """Starts the emulator, then the menu of scenarios, or the wizard on the emulator's resource.

    Args:
        faults: what the emulator breaks.
        play: true when the demo signs in by itself as soon as the link is there.
        menu: true to begin with the menu of scenarios.
        port: the callback port.
        environ: the environment to go by; the process's own by default.
    """

    keeps_secrets: ClassVar[bool] = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "menu", "Scenarios", id="demo.menu", tooltip="Back to the menu of scenarios"),
    ]

    def __init__(
        self,
        *,
        faults: Collection[Fault] = (),
        play: bool = False,
        menu: bool = False,
        port: int = 8400,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(environ=environ)
        self._emulator = Emulator(faults=faults, access_token_lifetime=_TOKEN_LIFETIME)
        self._play = play
        self._menu = RehearsalScreen()
        self._menu_wanted = menu
        self._rehearsed: Scenario | None = None
        self._others = DemoCredentials()
        self._port = port

    async def prepare(self) -> None:
        """Start the emulator before the first screen."""
        await self._emulator.start()
        self._start_url = self._emulator.resource_url
        self.install_screen(self._menu, "rehearsal")  # it remembers what was run while it is not shown

    async def on_unmount(self) -> None:
        """Stop the emulator when everything that speaks to it has ended."""
        await super().on_unmount()
        self._others.close()
        await self._emulator.stop()

    def options(self) -> Options:
        """Use the callback port that was asked for."""
        return Options(port=self._port)

    def suggestion(self) -> str:
        """Suggest the emulator's resource."""
        return self._emulator.resource_url

    def open_settings(self) -> SettingsFile:
        """Refresh nothing by itself, as the person is to see it done; keep nothing."""
        settings = SettingsFile()
        settings.change(background_refresh=False)
        return settings

    def find_elsewhere(self) -> tuple[CloudflaredToken, ...]:
        """Show nothing but the demo's own."""
        return self._others.find()

    def player(self) -> Player | None:
        """Play the person at the emulator's page, over real HTTP."""
        return _sign_in

    async def open_place_for_secrets(self) -> OpenedStore | None:
        """Keep the demo's tokens in memory: they are worth nothing and clutter no keyring."""
        return replace(memory_only(), notes=())

    def start_login(self, url: str, *, play: bool = False) -> None:
        """Open the wizard, or at the beginning the menu; with --play the demo signs in by itself."""
        if self._menu_wanted:
            self._menu_wanted = False
            self.push_screen("rehearsal")
        else:
            super().start_login(url, play=play or self._play)
            self._hand_out()

    @work(exclusive=True, group="hand out", description="hand out the credential that it is about")
    async def _hand_out(self) -> None:
        if self._session is not None:
            with suppress(AuthlensError, OSError):  # then the row is missing, and the login goes on
                await self._others.hand_out(self._emulator, self._session.credentials)

    # -- the rehearsal ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the menu where it does not leave anything unfinished behind it."""
        if action == "menu":
            return isinstance(self.screen, DashboardScreen)
        return super().check_action(action, parameters)

    def action_menu(self) -> None:
        """Show the menu of scenarios over the dashboard."""
        self.push_screen("rehearsal")

    @on(RehearsalScreen.Chosen)
    def _scenario_chosen(self, message: RehearsalScreen.Chosen) -> None:
        self._rehearse(message.scenario)

    @work(exclusive=True, group="rehearse", description="start a scenario")
    async def _rehearse(self, scenario: Scenario) -> None:
        """Begin anew: another emulator that knows no client, and none of the credentials of the last."""
        if self._session is None or self.screen is not self._menu:
            return
        for grant in self._session.credentials.list():
            await self._session.credentials.forget(grant.grant_id)
        await self._others.take_back(self._session.credentials)
        await self._emulator.stop()
        self._emulator = Emulator(
            faults=() if scenario.fault is None else (scenario.fault,), access_token_lifetime=_TOKEN_LIFETIME
        )
        try:
            await self._emulator.start()
        except OSError:
            self.notify("The emulator found no free port. Try again.", severity="error", markup=False)
            return
        self._rehearsed = scenario
        self.start_login(self._emulator.resource_url)

    @on(WizardScreen.Left)
    def _scenario_left(self) -> None:
        """Show the answer; where the scenario goes on at the dashboard, lead there instead."""
        scenario, self._rehearsed = self._rehearsed, None
        if scenario is None:
            return
        self._menu.note_run(scenario)
        earned = self._session is not None and bool(self._session.credentials.list())
        if scenario.ends_at_the_dashboard and earned:
            self.call_later(self._go_on_at_the_dashboard, scenario)

    def _go_on_at_the_dashboard(self, scenario: Scenario) -> None:
        if self.screen is self._menu:
            self.pop_screen()
            words = _ASK_WITH_IT.format(credential=scenario.brings) if scenario.brings else _GO_ON
            self.notify(words, title="The scenario goes on here", timeout=10, markup=False)


async def _sign_in(url: str) -> Played:
    try:
        result = await play_person(url)
    except (OSError, TimeoutError, ValueError):
        return Played(
            "The demo's person could not open the emulator's page. Open the link in a browser instead."
        )
    if result.delivered and result.status < 400:
        words = "Signed in as ada@example.com at the emulator's page; the browser's answer is on its way."
        return Played(words, done=True)
    return Played(
        "The demo's person was turned away; below stands what the browser shows.",
        done=True,
        page=result.words,
    )
