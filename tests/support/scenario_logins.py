"""The login of every scenario of the demo, played to its end once and kept for every test that asks."""

from __future__ import annotations

import asyncio
from typing import Final

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.emulator import Fault, PlayResult, Profile, play_person
from authlens_core.learning.desk.drill_world import DrillWorld
from authlens_core.learning.lesson import CourseLesson
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.wire.client import Wire
from support.walked_faults import walked

__all__ = ["login_of"]

_played: Final[dict[str, Login]] = {}


async def login_of(drill: CourseLesson) -> Login:
    """Return the login of `drill`, played at the first call, with what its keys do when it stops."""
    if drill.world.profile is Profile.ACCESS and drill.world.faults:
        return (await walked(Fault(drill.world.faults[0]))).login
    if drill.name not in _played:
        _played[drill.name] = await _play(drill)
    return _played[drill.name]


async def _play(drill: CourseLesson) -> Login:
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))
        elif isinstance(event, DeviceCodeReady) and event.device.verification_uri_complete is not None:
            playing.append(asyncio.ensure_future(play_person(event.device.verification_uri_complete.text)))

    world = DrillWorld((drill,))
    await world.start()
    async with Session(Wire(), Credentials.memory()) as session:
        login = start_login(session, world.resource_url, world.options())
        login.watch(watch)
        try:
            await login.run_all()
            await _go_on(login)
            await asyncio.gather(*playing)
        finally:
            await login.aclose()
            await world.stop()
    return login


async def _go_on(login: Login) -> None:
    """Ask for the scope that is missing, and continue where an old server may be accepted."""
    if login.steps_up:
        await login.retry()
        await login.run_all()
    while not login.finished and login.trace.records[-1].may_continue:
        await login.override(*(check.name for check in login.trace.records[-1].failures))
        await login.run_all()
