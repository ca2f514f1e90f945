"""Drills, each played as its card says with a user at the browser, and the options of each that hold then."""

import asyncio
from collections.abc import Iterable

from authlens_core.desk.credentials import read_inventory
from authlens_core.desk.lifecycle import probe, refresh, revoke
from authlens_core.desk.log_in import Login, start_login
from authlens_core.desk.session import Session
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event, ExchangeStarted
from authlens_core.trace.record import Trace
from authlens_core.wire.client import Wire
from authlens_lab.learning.desk.drill_world import DrillWorld
from authlens_lab.learning.lesson import CourseLesson, Walk
from authlens_lab.learning.verdict import confirmed

LONGEST = 20.0  # seconds of one drill
AT_ONCE = 4  # drills: most of one is a wait for servers to start and to stop


async def options_that_hold(drills: Iterable[CourseLesson]) -> dict[str, tuple[str, ...]]:
    """Return the options of each drill that held, by its name."""
    room = asyncio.Semaphore(AT_ONCE)

    async def played(drill: CourseLesson) -> tuple[str, tuple[str, ...]]:
        world = DrillWorld((drill,))
        async with room:
            await world.start()
            try:
                async with asyncio.timeout(LONGEST), Session.in_memory(Wire(environ={})) as session:
                    sent = await Walked(drill, world, session).traces()
                    return drill.name, tuple(confirmed(drill.prediction.options, world.rows(sent)))
            finally:
                await world.stop()

    return dict(await asyncio.gather(*map(played, drills)))


class Walked:
    """A drill on its walk."""

    def __init__(self, drill: CourseLesson, world: DrillWorld, session: Session) -> None:
        self._drill, self._walk = drill, drill.drill.walk
        self._world = world
        self._session = session
        self._playing: set[asyncio.Task[None]] = set()
        self._sent: dict[str, Trace] = {}
        session.credentials.traces.on_trace = self._note

    def _note(self, trace: Trace) -> None:
        self._sent[trace.trace_id] = trace

    async def traces(self) -> tuple[Trace, ...]:
        """Return what was sent, in its order."""
        await self._world.hand_out(self._session)
        login = start_login(self._session, self._world.resource_url, self._world.options())
        login.watch(lambda event: self._meet(event, login))
        try:
            await login.run_all()
            await self._go_on(login)
        finally:
            await login.aclose()
        self._note(login.trace)
        await self._continue_on_the_dashboard()
        return tuple(self._sent.values())

    def _meet(self, event: Event, login: Login) -> None:
        """Do what the user does meanwhile."""
        match event:
            case AuthorizationReady():
                self._begin(event.url, login)
            case DeviceCodeReady() if event.verification_uri_complete is not None:
                self._begin(event.verification_uri_complete.text, login)
            case ExchangeStarted() if self._walk is Walk.IMPATIENT:
                self._begin("", login)

    def _begin(self, page: str, login: Login) -> None:
        task = asyncio.ensure_future(self._sign_in(page, login))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _sign_in(self, page: str, login: Login) -> None:
        """Open a page; stop the wait for an answer if it leads nowhere."""
        if page:
            await self._world.sign_in(page)
        if self._walk in (Walk.TURNED_AWAY, Walk.IMPATIENT):
            await login.cancel()

    async def _go_on(self, login: Login) -> None:
        """Ask for the scope that is missing, or continue where an old server may be accepted."""
        if self._walk is Walk.STEP_UP:
            await login.retry()
            await login.run_all()
        while self._walk is Walk.DEFAULT_PATHS and not login.finished:
            last = login.trace.records[-1]
            if not last.may_continue:
                break
            await login.override(last.failures[0].name)
            await login.run_all()

    async def _continue_on_the_dashboard(self) -> None:
        credentials = self._session.credentials
        if self._walk is Walk.OTHER_CREDENTIAL:
            for entry in read_inventory(credentials.index, self._world.find_tokens()).entries:
                of_login = entry.grant is not None
                if not of_login and (trace := (await probe(self._session, entry)).trace) is not None:
                    self._note(trace)
        for grant in credentials.list() if self._drill.drill.ends_at_the_dashboard else ():
            if self._walk is Walk.REFRESH_AND_REVOKE:
                await refresh(self._session, grant)
            if self._walk in (Walk.REFRESH_AND_REVOKE, Walk.REVOKE):
                await revoke(self._session, grant, wait=0)
