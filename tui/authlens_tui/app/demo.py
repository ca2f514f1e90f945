"""The demo: the app on the emulator, with a store in memory, a simulated user and a menu of scenarios."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace
from textual.screen import Screen
from textual.worker import Worker

from authlens_core.desk.credentials import CloudflaredToken
from authlens_core.desk.log_in import Login, Options, Trace
from authlens_core.desk.session import OpenedStore, Session
from authlens_core.desk.settings import SettingsFile
from authlens_lab.learning.desk.course import Course, CourseLesson, drills
from authlens_lab.learning.desk.drill_world import DrillWorld, store_verdict
from authlens_tui.app.learn import CourseMenu
from authlens_tui.app.workspace import OpenLogin, Workspace
from authlens_tui.screens.store_choice import StoreChoice
from authlens_tui.screens.wizard.demo_login import DemoLogin, Ending, Played, ServerOwner, honest_part
from authlens_tui.screens.wizard.wizard_messages import Then

_GO_ON: Final = "r refreshes, v revokes, Enter shows the requests. b goes back to the catalogue."
_PROBE_WITH_IT: Final = (
    "↓ selects the {credential}, p calls the resource with it, Enter shows the response. b goes back to the "
    "catalogue."
)


def following_of(drill: CourseLesson) -> CourseLesson | None:
    """Return the drill after this one in the catalogue; None after the last."""
    catalogue = list(drills().values())
    number = catalogue.index(drill) + 1
    return catalogue[number] if number < len(catalogue) else None


_NAMES: Final = ("wiki.localhost", "login.localhost")  # a picture of ports says nothing
_TOKEN_LIFETIME: Final = 120  # seconds: long enough to look around, short enough to see it expire


class DemoWorkspace(Workspace):
    """Needs no account and no network, and leaves nothing behind but what you predicted, and your moves.

    Args:
        names: the drills that the first login plays; several have to be of Cloudflare Access.
        port: the callback port of every login; 0 for any free one.
        plays: each login is run to its end.
        menu_first: start with the catalogue, otherwise with a login.
        opens: a login plays itself over the catalogue until a key is pressed.
        course: the lessons, at which the catalogue opens; without, it opens at the drills.
        first: the identifier of the lesson or the drill that is opened over the catalogue.
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
        course: Course | None = None,
        first: str = "",
    ) -> None:
        settings = SettingsFile()
        settings.change(background_refresh=False)  # the user is to see a refresh happen
        super().__init__(settings)
        self._port = port
        chosen = [drills()[name] for name in names]
        self._drill = chosen[0] if chosen else drills()["plain"]
        self.world = self._new_world(chosen)
        self._first = first
        self._plays = plays
        self._menu_first, self._opens = menu_first, opens
        selected = "" if course else self._drill.name
        self.course_menu = CourseMenu(
            course or Course.from_state(), self._play, selected=selected, is_root=course is not None
        )
        self.menu: Screen[None] = self.course_menu.screen
        self._started: tuple[OpenLogin, Session] | None = None
        self._predicted = ""
        self._sent: dict[str, Trace] = {}
        self._before: tuple[str, Trace] | None = None
        """The login before the one that runs, and what it is called."""

    def _new_world(self, chosen: Collection[CourseLesson]) -> DrillWorld:
        return DrillWorld(tuple(chosen), port=self._port, token_lifetime=_TOKEN_LIFETIME, names=_NAMES)

    async def prepare(self) -> str | None:
        """Start the emulator, and log in to its resource."""
        await self.world.start()
        return self.world.resource_url

    def begin(self, session: Session, url: str | None, *, start: OpenLogin, offer: OpenLogin) -> None:  # noqa: ARG002
        self._started = start, session
        traces = session.credentials.traces
        noted = traces.on_trace

        def note(trace: Trace) -> None:
            noted(trace)
            self.sentence(trace)

        # The one before is called as well: the app shows every request, also those of a drill.
        traces.on_trace = note
        if not self._menu_first:
            start(url or self.suggestion())
            return
        self.menu.app.push_screen(self.menu)
        if self._first:
            self.course_menu.start(self._first)
        elif self._opens:
            self._open_with_a_login(session)

    def _open_with_a_login(self, session: Session) -> None:
        """Let a login play itself over the menu."""
        from authlens_tui.screens.opening import OpeningScreen

        # With a sender of its own: its requests are not among those of the user.
        wire = Session(None, session.credentials).wire
        login = Login(self.world.resource_url, wire, options=Options(port=0))

        def ended(trace: Trace | None) -> None:
            self._before = None if trace is None else (self._drill.title, trace)

        self.menu.app.push_screen(OpeningScreen(login, self._drill.title, _sign_in, wire.aclose), ended)

    # -- drills ----------------------------------------------------------------------------------------

    def _play(self, drill: CourseLesson, predicted: str) -> None:
        # Of the app: leaving the menu meanwhile must not leave it with no emulator.
        running = partial(self._run, drill, predicted)
        _: Worker[None] = self.menu.app.run_worker(running, exclusive=True, group="drill")

    async def _run(self, drill: CourseLesson, predicted: str) -> None:
        # A key pressed twice starts it once: the wizard lies over the menu by then.
        if self._started is None or not self.menu.is_active:
            return
        start, session = self._started
        try:
            url = await self.start_over(session, drill)
        except OSError:
            note = "The emulator found no free port. Try again."
            self.menu.notify(note, severity="error", markup=False)
            return
        self._predicted, self._sent = predicted, {}
        start(url)

    def sentence(self, trace: Trace) -> str:
        """Return the verdict on the prediction, given a trace; actions on the dashboard count, too."""
        self._sent[trace.trace_id] = trace
        if not self._predicted:
            return ""
        drill, verdicts = self._drill, self.course_menu.verdicts
        verdict = self.world.verdict(drill, self._predicted, self._sent.values())
        before = verdicts.get(drill.name)
        # What a repair by the owner leads to is no answer to the question: what was shown before stays.
        if before is None or verdict.held or not before.held:
            verdicts[drill.name] = verdict
            if verdict.held and (before is None or before.held != verdict.held):
                store_verdict(self.course_menu.course.progress, drill, verdict)
        return verdicts[drill.name].sentence

    def login_left(self, session: Session, login: Login, then: Then) -> None:
        """Continue on the dashboard if the drill does, or start the one after it."""
        if not self._predicted:
            return
        drill = self._drill
        self._before = honest_part(drill.title, login.trace) or self._before
        self.sentence(login.trace)
        following = drill if then is Then.SAME_LOGIN else following_of(drill)
        if then is not Then.MENU and following is not None:
            self.menu.call_later(self.course_menu.start, following.name)
        elif drill.drill.ends_at_the_dashboard and session.credentials.list():
            self.menu.call_later(self._continue_on_the_dashboard)

    def _continue_on_the_dashboard(self) -> None:
        if self.menu.is_active:
            credential = self._drill.drill.brings
            note = _PROBE_WITH_IT.format(credential=credential) if credential else _GO_ON
            self.menu.notify(note, title="The drill continues here", timeout=10, markup=False)
            self.menu.app.pop_screen()

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
        """Return the card at the end of the drill; None if the drill continues on the dashboard."""
        drill = self._drill
        if drill.drill.ends_at_the_dashboard or not self._menu_first:
            return None
        following = following_of(drill)
        title = following.title if following is not None else ""
        question, answer = drill.prediction.text, drill.drill.answer
        return Ending(
            drill.watch_for,
            question=question,
            answer=answer,
            following=title,
            before=self._before,
            verdict=self.sentence,
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
        return Played("Approved the code as ada@example.com; waiting for the next poll.", completed=True)
    if result.delivered and result.status < 400:
        sentence = "Signed in as ada@example.com on the emulator's page; waiting for the browser."
        return Played(sentence, completed=True)
    return Played(
        "The sign-in was refused. The browser's message is below.", completed=True, page=result.words
    )
