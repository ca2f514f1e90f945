"""A login to a profile of the emulator, with the user played."""

from __future__ import annotations

import asyncio

from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.emulator import PlayResult, StandardEmulator, play_person
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.trace.record import Trace
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire

__all__ = ["log_in"]


async def log_in(
    emulator: StandardEmulator,
    options: Options | None = None,
    *,
    retries: int = 0,
    session: Session | None = None,
) -> Trace:
    """Log in with the user played; `session` stores what the login gets."""
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))
        elif isinstance(event, DeviceCodeReady) and event.device.verification_uri_complete is not None:
            page = event.device.verification_uri_complete.text
            playing.append(asyncio.ensure_future(play_person(page, deliver=False)))

    wire = Wire()
    options = options or Options(port=0, wait=60)
    if session is None:
        login = Login(emulator.resource_url, wire, options=options)
    else:
        login = start_login(session, emulator.resource_url, options)
    login.watch(watch)
    try:
        trace = await login.run_all()
        for _ in range(retries):
            await login.retry()
            trace = await login.run_all()
        await asyncio.gather(*playing)
    finally:
        await login.aclose()
        await wire.aclose()
    return trace
