"""The demo: the app on the emulator, with a store in memory, a simulated user and a menu of scenarios."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace
from textual.worker import Worker

from authlens_core.desk.credentials import CloudflaredToken
from authlens_core.desk.log_in import Login, Options, Trace
from authlens_core.desk.session import AuthlensError, OpenedStore, Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.learning.desk.course import Course, CourseLesson, drills
from authlens_core.learning.desk.drill_world import DrillWorld, drill_verdicts, store_verdict
from authlens_core.trace.runs import honest_run
from authlens_tui.app.learn import Lessons, drill_lists, listed, summary_screen
from authlens_tui.app.logins import Logins
from authlens_tui.app.workspace import Workspace
from authlens_tui.screens.learn.catalogue import CatalogueList, CatalogueScreen
from authlens_tui.screens.store_choice import StoreChoice
from authlens_tui.screens.wizard.demo_login import DemoLogin, Ending, Played, PredictionScreen, ServerOwner
from authlens_tui.screens.wizard.wizard_messages import Then

_GO_ON: Final = "r refreshes, v revokes, Enter shows the requests. b goes back to the catalogue."
_PROBE_WITH_IT: Final = (
    "↓ selects the {credential}, p calls the resource with it, Enter shows the response. b goes back to the "
    "catalogue."
)


class Scenarios:
    """The drills of the catalogue: each starts at a server of its own, and ends there or on the dashboard."""

    def __init__(self, demo: DemoWorkspace) -> None:
        self._demo = demo
        self._running: CourseLesson | None = None
        self._predicted = ""
        self._sent: dict[str, Trace] = {}
        self._logins: tuple[Logins, Session] | None = None
        self._course = _course()
        self._verdicts = {} if self._course is None else drill_verdicts(self._course.progress)
        self.before: tuple[str, Trace] | None = None
        """The login before the one that runs, and what it is called."""
        self.menu = CatalogueScreen(
            self._lists(),
            self.start,
            record=None if self._course is None else self._show_record,
            note=self._note_of_all(),
            open_at=next(iter(drills())),
            title="demo",
        )

    def begin(self, logins: Logins, session: Session) -> None:
        """Start the drills that are chosen from now on with `logins`."""
        self._logins = logins, session
        traces = session.credentials.traces
        noted = traces.on_trace

        def note(trace: Trace) -> None:
            noted(trace)
            self._note(trace)

        # The one before is called as well: the app shows every request, also those of a drill.
        traces.on_trace = note

    def _lists(self) -> tuple[CatalogueList, ...]:
        of_course = () if self._course is None else (listed(self._course),)
        return (*of_course, *drill_lists(self._verdicts))

    def start(self, name: str) -> None:
        """Open a lesson; or ask for the prediction of a drill, unless it was made before, and start it."""
        app = self.menu.app
        if self._course is not None and name in self._course.names:
            Lessons(app, self._course, self._show).open(name)
            return
        drill = drills()[name]

        def predicted(option: str | None) -> None:
            if option is not None:
                # Of the app: leaving the menu meanwhile must not leave it with no emulator.
                running = partial(self._run, drill, option)
                _: Worker[None] = app.run_worker(running, exclusive=True, group="drill")

        if (verdict := self._verdicts.get(name)) is not None:
            predicted(verdict.predicted)
        else:
            app.push_screen(PredictionScreen(drill), predicted)

    async def _run(self, drill: CourseLesson, predicted: str) -> None:
        # A key pressed twice starts it once: the wizard lies over the menu by then.
        if self._logins is None or not self.menu.is_active:
            return
        logins, session = self._logins
        try:
            url = await self._demo.start_over(session, drill)
        except OSError:
            words = "The emulator found no free port. Try again."
            self.menu.notify(words, severity="error", markup=False)
            return
        self._running, self._predicted, self._sent = drill, predicted, {}
        logins.start(session, url)

    def _note(self, trace: Trace) -> None:
        """Judge the prediction again, because what was done on the dashboard counts, too."""
        self._sent[trace.trace_id] = trace
        if self._running is not None:
            self.sentence(trace)
            # Later: a trace is stored while the program ends, too, when there is no menu any more.
            self.menu.call_later(self._show)

    def _show(self) -> None:
        self.menu.show(self._lists(), self._note_of_all())

    def _show_record(self) -> None:
        if self._course is not None:
            self.menu.app.push_screen(summary_screen(self._course))

    def _note_of_all(self) -> str:
        right = sum(verdict.is_right for verdict in self._verdicts.values())
        return f"{right} of {len(drills())} as predicted"

    def sentence(self, trace: Trace) -> str:
        """Return what the prediction of the drill that runs was worth, given the trace of its login."""
        if (drill := self._running) is None:
            return ""
        sent = {**self._sent, trace.trace_id: trace}
        verdict = self._demo.world.verdict(drill, self._predicted, sent.values())
        before = self._verdicts.get(drill.name)
        # What a repair by the owner leads to is no answer to the question: what was shown before stays.
        if before is None or verdict.held or not before.held:
            self._verdicts[drill.name] = verdict
            is_new = before is None or before.held != verdict.held
            if self._course is not None and verdict.held and is_new:
                store_verdict(self._course.progress, drill, verdict)
        return self._verdicts[drill.name].sentence

    def end(self, session: Session, login: Login, then: Then) -> None:
        """Show the answer, continue on the dashboard if the drill does, or start the one after it."""
        if (drill := self._running) is None:
            return
        if (honest := honest_run(login.trace)) is not None:
            self.before = drill.title, honest
        self._note(login.trace)
        following = drill if then is Then.SAME_LOGIN else following_of(drill)
        if then is not Then.MENU and following is not None:
            self.menu.call_later(self.start, following.name)
        elif drill.drill.ends_at_the_dashboard and session.credentials.list():
            self.menu.call_later(self._continue_on_the_dashboard, drill)

    def _continue_on_the_dashboard(self, drill: CourseLesson) -> None:
        if self.menu.is_active:
            words = _PROBE_WITH_IT.format(credential=drill.drill.brings) if drill.drill.brings else _GO_ON
            self.menu.notify(words, title="The drill continues here", timeout=10, markup=False)
            self.menu.app.pop_screen()


def _course() -> Course | None:
    """Return the lessons; None where the stored progress cannot be used, of which `learn` says why."""
    try:
        course = Course()
        course.summaries()
    except AuthlensError:
        return None
    return course


def following_of(drill: CourseLesson) -> CourseLesson | None:
    """Return the drill after this one in the catalogue; None after the last."""
    known = list(drills().values())
    place = known.index(drill) + 1
    return known[place] if place < len(known) else None


_NAMES: Final = ("wiki.localhost", "login.localhost")  # a picture of ports says nothing
_TOKEN_LIFETIME: Final = 120  # seconds: long enough to look around, short enough to see it expire


class DemoWorkspace(Workspace):
    """Needs no account and no network, and leaves nothing behind but what you predicted.

    Args:
        names: the scenarios that the first login plays; several have to be of Cloudflare Access. With the
            menu, the first of them is asked for there.
        port: the callback port of every login; 0 for any free one.
        plays: each login is run to its end.
        menu_first: start with the menu of scenarios, otherwise with a login.
        opens: a login plays itself over the menu until a key is pressed.
    """

    keeps_secrets = False
    waits_for = "Starting the simulated server …"

    def __init__(
        self,
        names: Collection[str] = (),
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
        chosen = [drills()[name] for name in names]
        self._drill = chosen[0] if chosen else drills()["plain"]
        self.world = self._new_world(chosen)
        self._first = next(iter(names), "")
        self._plays = plays
        self._menu_first, self._opens = menu_first, opens
        self._scenarios = Scenarios(self)
        self.menu = self._scenarios.menu

    def _new_world(self, chosen: Collection[CourseLesson]) -> DrillWorld:
        return DrillWorld(tuple(chosen), port=self._port, token_lifetime=_TOKEN_LIFETIME, names=_NAMES)

    async def prepare(self) -> str | None:
        """Start the emulator, and log in to its resource."""
        await self.world.start()
        return self.world.resource_url

    def scenarios(self) -> Iterable[tuple[str, Callable[[], object]]]:
        return ((drill.title, partial(self._scenarios.start, name)) for name, drill in drills().items())

    def begin(self, logins: Logins, session: Session, url: str | None) -> None:
        self._scenarios.begin(logins, session)
        if self._menu_first:
            self._scenarios.menu.app.push_screen(self._scenarios.menu)
            if self._first:
                self._scenarios.start(self._first)
            if self._opens:
                self._open_with_a_login(session)
        elif url is not None:
            logins.start(session, url)

    def _open_with_a_login(self, session: Session) -> None:
        """Let a login play itself over the menu."""
        from authlens_tui.screens.opening import OpeningScreen

        # With a sender of its own: its requests are not among those of the user.
        own = Session(None, session.credentials).wire
        login = Login(self.world.resource_url, own, options=Options(port=0))
        self._scenarios.menu.app.push_screen(
            OpeningScreen(login, self._drill.title, _sign_in, own.aclose), self._note_opening
        )

    def _note_opening(self, trace: Trace | None) -> None:
        if trace is not None:
            self._scenarios.before = self._drill.title, trace

    def login_left(self, session: Session, login: Login, then: Then) -> None:
        self._scenarios.end(session, login, then)

    async def close(self) -> None:
        await self.world.stop()

    def options(self, url: str) -> Options:  # noqa: ARG002 - every login of the demo has the same
        """Use the chosen callback port, and what the scenario is about.

        A login that is played takes the decision for an old server that a user takes with a key.
        """
        return self.world.options(accepts_old_servers=self._plays)

    def demo_login(self, url: str) -> DemoLogin:
        drill, world = self._drill, self.world
        owner = None
        if (setting := drill.drill.owner) is not None:
            owner = ServerOwner(setting.of or urlsplit(world.resource_url).hostname or "", setting, world)
        return DemoLogin(
            name=drill.title if url == world.resource_url else "",
            player=_sign_in,
            owner=owner,
            plays=self._plays,
            ending=self._ending(),
        )

    def _ending(self) -> Ending | None:
        """Return the answer of the scenario; None where its turning point comes later, on the dashboard."""
        drill = self._drill
        if drill.drill.ends_at_the_dashboard or not self._menu_first:
            return None
        following, before = following_of(drill), self._scenarios.before
        title = following.title if following is not None else ""
        return Ending(
            drill.watch_for,
            drill.prediction.text,
            drill.drill.answer,
            title,
            before,
            self._scenarios.sentence,
        )

    def suggestion(self) -> str:
        return self.world.resource_url

    def find_tokens(self) -> tuple[tuple[CloudflaredToken, ...], int]:
        return self.world.find_tokens(), 0

    async def open_store(self, choice: StoreChoice | None) -> OpenedStore:  # noqa: ARG002 - nothing to choose
        return replace(OpenedStore.in_memory(), notes=())

    async def start_over(self, session: Session, drill: CourseLesson) -> str:
        """Start another server, which knows no client, and forget all credentials; return its resource.

        Raises:
            AuthlensError: a credential could not be removed.
            OSError: no port is free.
        """
        for grant in session.credentials.list():
            await session.credentials.forget(grant.grant_id)
        # Before the server stops: what was handed out belongs to it, and would be refused by the next one.
        await self.world.take_back(session)
        await self.world.stop()
        self._drill, self.world = drill, self._new_world([drill])
        await self.world.start()
        return self.world.resource_url

    async def add_credentials(self, session: Session) -> None:
        """Store the other credential that the scenario is about."""
        await self.world.hand_out(session)


async def _sign_in(url: str) -> Played:
    try:
        result = await DrillWorld.sign_in(url)
    except (OSError, TimeoutError, ValueError):
        return Played("The demo could not open the emulator's page. Open the link in a browser instead.")
    # The page for a code stays where it is; that of a link leads back to the callback.
    if "user_code" in parse_qs(urlsplit(url).query) and result.status < 400:
        return Played("Approved the code as ada@example.com; waiting for the next poll.", done=True)
    if result.delivered and result.status < 400:
        words = "Signed in as ada@example.com on the emulator's page; waiting for the browser."
        return Played(words, done=True)
    return Played("The sign-in was refused. The browser's message is below.", done=True, page=result.words)
