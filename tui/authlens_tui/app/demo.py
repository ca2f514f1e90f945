"""The demo: the app on the emulator, with a store in memory, a simulated user and a menu of scenarios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import parse_qs, urlsplit

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.desk.credentials import CloudflaredDirectory, CloudflaredToken
from authlens_core.desk.log_in import Login
from authlens_core.desk.secret_store import OpenedStore
from authlens_core.desk.session import Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.emulator import (
    IDP_CLIENT,
    Emulator,
    Fault,
    MachineClient,
    Machines,
    OwnerSetting,
    Scenario,
    StandardCase,
    StandardEmulator,
    StandardFault,
    emulator_with,
    play_person,
    scenarios,
)
from authlens_core.export.saved_file import write_export
from authlens_core.trace.record import Outcome, Trace, is_last
from authlens_core.values.errors import AuthlensError
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_tui.app.logins import Logins
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.rehearsal import RehearsalScreen, Run
from authlens_tui.screens.store_choice import StoreChoice
from authlens_tui.screens.wizard.authorization_link import Played, Player
from authlens_tui.screens.wizard.end_card import Ending
from authlens_tui.screens.wizard.owner import ServerOwner
from authlens_tui.screens.wizard.wizard_messages import Then

_GO_ON: Final = "r refreshes, v revokes, Enter shows the requests. b goes back to the scenarios."
_PROBE_WITH_IT: Final = (
    "↓ selects the {credential}, p calls the resource with it, Enter shows the response. b goes back to the "
    "scenarios."
)


class Scenarios:
    """The menu of scenarios: each starts on a new emulator, and ends in the menu or on the dashboard."""

    def __init__(self, start_over: Callable[[Session, Scenario], Awaitable[str]]) -> None:
        self._start_over = start_over
        self._running: Scenario | None = None
        self._logins: tuple[Logins, Session] | None = None
        self.before: tuple[str, Trace] | None = None
        """The login before the one that runs, and what it is called."""
        self.menu = RehearsalScreen(self._run)

    def begin(self, logins: Logins, session: Session) -> None:
        """Start the scenarios that are chosen from now on with `logins`."""
        self._logins = logins, session

    def open(self) -> None:
        self.menu.app.push_screen(self.menu)

    async def _run(self, scenario: Scenario) -> None:
        # A key pressed twice starts it once: the wizard lies over the menu by then.
        if self._logins is None or not self.menu.is_active:
            return
        logins, session = self._logins
        try:
            url = await self._start_over(session, scenario)
        except OSError:
            words = "The emulator found no free port. Try again."
            self.menu.notify(words, severity="error", markup=False)
            return
        self._running = scenario
        logins.start(session, url)

    def end(self, session: Session, login: Login, then: Then) -> None:
        """Show the scenario's answer, continue on the dashboard if it does, or start the login after it."""
        scenario, self._running = self._running, None
        if scenario is None:
            return
        self.before = scenario.title, login.trace
        self.menu.note_run(scenario, _ending(login))
        following = scenario if then is Then.SAME_LOGIN else following_of(scenario)
        if then is not Then.MENU and following is not None:
            self.menu.call_later(self.menu.run_scenario, following)
        elif scenario.ends_at_the_dashboard and session.credentials.list():
            self.menu.call_later(self._continue_on_the_dashboard, scenario)

    def _continue_on_the_dashboard(self, scenario: Scenario) -> None:
        if self.menu.is_active:
            words = _PROBE_WITH_IT.format(credential=scenario.brings) if scenario.brings else _GO_ON
            self.menu.notify(words, title="The scenario continues here", timeout=10, markup=False)
            self.menu.app.pop_screen()


def following_of(scenario: Scenario) -> Scenario | None:
    """Return the scenario after this one in the menu; None after the last."""
    known = scenarios()
    place = known.index(scenario) + 1
    return known[place] if place < len(known) else None


def _ending(login: Login) -> Run:
    records = login.trace.records
    # A login that was finished and attacked after that was finished, whatever became of the attack.
    attacked = any(record.tampering for record in records)
    if login.finished or (attacked and any(map(is_last, records))):
        return Run.FINISHED
    return Run.FAILED if records and records[-1].outcome is Outcome.FAILED else Run.LEFT


_NAMES: Final = ("wiki.localhost", "login.localhost")  # a picture of ports says nothing
_TOKEN_LIFETIME: Final = 120  # seconds: long enough to look around, short enough to see it expire


class DemoWorkspace(Workspace):
    """Needs no account and no network, and leaves nothing behind.

    Args:
        cases: what the emulator of the first login does differently.
        port: the callback port of every login; 0 for any free one.
        plays: each login is run to its end.
        menu_first: start with the menu of scenarios, otherwise with a login.
        opens: a login plays itself over the menu until a key is pressed.
    """

    keeps_secrets = False

    def __init__(
        self,
        cases: Collection[Fault | StandardCase] = (),
        port: int = 0,
        *,
        plays: bool = False,
        menu_first: bool = False,
        opens: bool = False,
    ) -> None:
        settings = SettingsFile()
        settings.change(background_refresh=False)  # the user is to see a refresh happen
        super().__init__(settings)
        self._port = port
        self._emulator = self._new_emulator(cases)
        self._case = next((case for case in cases if isinstance(case, StandardCase)), None)
        self.plays = plays
        self._others = DemoCredentials()
        self._menu_first, self._opens = menu_first, opens
        wanted = tuple(cases) or (None,)
        self._scenario = next((known for known in scenarios() if known.fault in wanted), None)
        self._scenarios = Scenarios(self.start_over)
        self.menu = self._scenarios.menu

    def _new_emulator(self, cases: Collection[Fault | StandardCase]) -> Emulator | StandardEmulator:
        return emulator_with(
            cases, access_token_lifetime=_TOKEN_LIFETIME, callback_port=self._port, names=_NAMES
        )

    async def prepare(self) -> str | None:
        """Start the emulator, and log in to its resource."""
        await self._emulator.start()
        return self._emulator.resource_url

    def scenarios(self) -> Iterable[tuple[str, Callable[[], object]]]:
        return self._scenarios.menu.scenarios()

    def begin(self, logins: Logins, session: Session, url: str | None) -> None:
        self._scenarios.begin(logins, session)
        if self._menu_first:
            self._scenarios.open()
            if self._opens:
                self._open_with_a_login(session)
        elif url is not None:
            logins.start(session, url)

    def _open_with_a_login(self, session: Session) -> None:
        """Let a login play itself over the menu."""
        from authlens_tui.screens.opening import OpeningScreen

        # With a sender of its own: its requests are not among those of the user.
        own = Session(None, session.credentials).wire
        title = scenarios()[0].title
        login = Login(self._emulator.resource_url, own, options=Options(port=0))
        self._scenarios.menu.app.push_screen(
            OpeningScreen(login, title, _sign_in, own.aclose), self._note_opening
        )

    def _note_opening(self, trace: Trace | None) -> None:
        if trace is not None:
            self._scenarios.before = scenarios()[0].title, trace

    def login_left(self, session: Session, login: Login, then: Then) -> None:
        self._scenarios.end(session, login, then)

    def ending(self) -> Ending | None:
        """Return the answer of the scenario; None where its turning point comes later, on the dashboard."""
        scenario = self._scenario
        if scenario is None or scenario.ends_at_the_dashboard or not self._menu_first:
            return None
        following = following_of(scenario)
        title = following.title if following is not None else ""
        return Ending(scenario.watch_for, scenario.question, scenario.answer, title, self._scenarios.before)

    async def close(self) -> None:
        self._others.close()
        await self._emulator.stop()

    def options(self, url: str) -> Options:  # noqa: ARG002 - every login of the demo has the same
        """Use the chosen callback port; log in by a code if the scenario is about that.

        A login that is played takes the decision for an old server that a user takes with a key.
        """
        case = self._case
        if case is None:
            taken = self._emulator.taken_port if isinstance(self._emulator, Emulator) else None
            return Options(port=self._port if taken is None else taken)
        if case.client is not None and isinstance(self._emulator, StandardEmulator):
            return self._others.options_of(case.client, self._emulator.machines)
        old = StandardFault.DEFAULT_PATHS in case.faults
        by_code = GrantType.DEVICE_CODE if case.device else GrantType.AUTHORIZATION_CODE
        return Options(port=self._port, grant_type=by_code, legacy_paths=self.plays and old)

    def name_of(self, url: str) -> str:
        """Return the title of the scenario, for the resource that it is about."""
        scenario = self._scenario
        return scenario.title if scenario is not None and url == self._emulator.resource_url else ""

    def command_again(self) -> str:
        return "authlens demo" + (f" --fault {self._scenario.name}" if self._scenario is not None else "")

    def suggestion(self) -> str:
        return self._emulator.resource_url

    def find_tokens(self) -> tuple[CloudflaredToken, ...]:
        return self._others.find()

    def player(self) -> Player | None:
        """Sign in at the emulator's page, over real HTTP."""
        return _sign_in

    def owner(self) -> ServerOwner | None:
        scenario, emulator = self._scenario, self._emulator
        if scenario is None or scenario.owner is None or not isinstance(emulator, Emulator):
            return None
        return EmulatorOwner(emulator, scenario.owner)

    def first_look(self) -> Index | None:
        """Return None: the demo starts with nothing stored."""
        return None

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:  # noqa: ARG002 - nothing to choose
        return replace(OpenedStore.in_memory(), notes=())

    async def start_over(self, session: Session, scenario: Scenario) -> str:
        """Start another emulator, which knows no client, and forget all credentials; return its resource.

        Raises:
            AuthlensError: a credential could not be removed.
            OSError: no port is free.
        """
        for grant in session.credentials.list():
            await session.credentials.forget(grant.grant_id)
        await self._others.take_back(session)
        await self._emulator.stop()
        self._scenario = scenario
        self._case = scenario.fault if isinstance(scenario.fault, StandardCase) else None
        cases = () if scenario.fault is None else (scenario.fault,)
        self._emulator = self._new_emulator(cases)
        await self._emulator.start()
        return self._emulator.resource_url

    async def add_credentials(self, session: Session) -> None:
        """Store the other credential that the emulator's fault is about."""
        if not isinstance(self._emulator, Emulator):
            return
        with suppress(AuthlensError, OSError):  # then its row is missing, and the login continues
            await self._others.hand_out(self._emulator, session)


class EmulatorOwner:
    """Turns the fault of an emulator off by the setting that stands for it, and on again."""

    def __init__(self, emulator: Emulator, setting: OwnerSetting) -> None:
        self.name = urlsplit(emulator.resource_url).hostname or ""
        self.setting = setting
        self._emulator = emulator
        self._faults = emulator.faults

    @property
    def is_on(self) -> bool:
        return self.setting.on is not bool(self._emulator.faults)

    def switch(self, *, on: bool) -> None:
        self._emulator.set_faults(() if on is self.setting.on else self._faults)


async def _sign_in(url: str) -> Played:
    try:
        result = await play_person(url)
    except (OSError, TimeoutError, ValueError):
        return Played("The demo could not open the emulator's page. Open the link in a browser instead.")
    # The page for a code stays where it is; that of a link leads back to the callback.
    if "user_code" in parse_qs(urlsplit(url).query) and result.status < 400:
        return Played("Approved the code as ada@example.com; waiting for the next poll.", done=True)
    if result.delivered and result.status < 400:
        words = "Signed in as ada@example.com on the emulator's page; waiting for the browser."
        return Played(words, done=True)
    return Played("The sign-in was refused. The browser's message is below.", done=True, page=result.words)


class DemoCredentials:
    """What the demo holds besides the login's own tokens, where a scenario is about another credential.

    A service token lies where service tokens are kept; a token of cloudflared in a directory of its own, as a
    file with the name that cloudflared gives it. Both are rows of the dashboard and can be probed there.
    """

    def __init__(self) -> None:
        self._directory: TemporaryDirectory[str] | None = None

    async def hand_out(self, emulator: Emulator, session: Session) -> None:
        """Put the credential that the faults of `emulator` are about where the dashboard finds it.

        Raises:
            AuthlensError: it could not be kept.
            OSError: the file could not be written.
        """
        if Fault.SERVICE_AUTH_MISSING in emulator.faults:
            await self._keep_service_token(emulator, session)
        if Fault.BINDING_COOKIE in emulator.faults:
            jwt = await emulator.app_token()
            path = self._folder() / f"{urlsplit(emulator.resource_url).netloc}-token"
            write_export(path, jwt, force=True)

    async def _keep_service_token(self, emulator: Emulator, session: Session) -> None:
        client_id, secret = emulator.service_token
        tokens = session.credentials.service_tokens
        if any(token.client_id == client_id for token in tokens.list()):
            return
        token = ServiceToken.new(emulator.resource_url, client_id, label="demo service token")
        await tokens.save(token, Secret(secret))

    def options_of(self, client: MachineClient, machines: Machines) -> Options:
        """Return the options of a login as one of the emulator's programs; its assertion is in a file."""
        secret = Secret(machines.secret)
        login = Options(client_id=client.value, client_secret=secret, grant_type=GrantType.CLIENT_CREDENTIALS)
        match client:
            case MachineClient.KEY:
                return replace(login, client_secret=None, client_key=Secret(machines.private_key))
            case MachineClient.WORKLOAD:
                file = self._assertion(machines.assertion(once=False))
                by_platform = replace(login, client_secret=None, grant_type=GrantType.JWT_BEARER)
                return replace(by_platform, assertion_file=file)
            case MachineClient.ENTERPRISE:
                file = self._assertion(machines.id_token())
                provider = replace(login, idp=f"{machines.idp}/token", idp_client_id=IDP_CLIENT)
                return replace(provider, grant_type=GrantType.TOKEN_EXCHANGE, assertion_file=file)
        return login

    def _assertion(self, text: str) -> str:
        path = self._folder() / "assertion"
        write_export(path, text, force=True)
        return str(path)

    def _folder(self) -> Path:
        if self._directory is None:
            self._directory = TemporaryDirectory(prefix="authlens-demo-")
        return Path(self._directory.name)

    def find(self) -> tuple[CloudflaredToken, ...]:
        directory = self._directory
        return () if directory is None else CloudflaredDirectory(Path(directory.name)).find()

    async def take_back(self, session: Session) -> None:
        """Leave nothing of what was handed out.

        Raises:
            AuthlensError: it could not be removed.
        """
        tokens = session.credentials.service_tokens
        for token in tokens.list():
            await tokens.remove(token.token_id)
        self.close()

    def close(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.cleanup()
