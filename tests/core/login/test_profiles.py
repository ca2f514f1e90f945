"""A login to each profile of the emulator, with the quirks of real servers, ends with a token that works."""

from __future__ import annotations

import asyncio

import pytest

from authlens_core.emulator import PlayResult, play_person
from authlens_core.emulator.profile import Profile
from authlens_core.emulator.standard.emulator import StandardEmulator
from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.trace.record import Stage, Trace
from authlens_core.wire.client import Wire


async def log_in(emulator: StandardEmulator) -> Trace:
    """Log in with the user played."""
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))

    wire = Wire()
    login = Login(emulator.resource_url, wire, options=Options(port=0, wait=10))
    login.watch(watch)
    try:
        trace = await login.run_all()
        await asyncio.gather(*playing)
    finally:
        await login.aclose()
        await wire.aclose()
    return trace


@pytest.mark.parametrize(
    ("profile", "faults"),
    [
        (Profile.GENERIC, ()),
        (Profile.GENERIC, ("jwt-access-tokens",)),
        (Profile.MCP, ()),
        (Profile.MCP, ("get-404",)),
        (Profile.MCP, ("open-initialize",)),
        (Profile.MCP, ("endless-stream",)),
        (Profile.MCP, ("discover-only",)),
        (Profile.MCP, ("discover-only", "get-404")),
    ],
)
async def test_a_login_ends_with_a_token_that_the_resource_accepts(
    profile: Profile, faults: tuple[str, ...]
) -> None:
    async with StandardEmulator(profile, faults=faults) as emulator:
        trace = await log_in(emulator)
    last = trace.records[-1]
    assert last.stage is Stage.ACCESS
    assert last.failures == ()


async def test_a_missing_scope_stops_at_the_resource_with_its_reason() -> None:
    """RFC 6750 §3.1."""
    async with StandardEmulator(Profile.GENERIC, faults=["step-up"]) as emulator:
        last = (await log_in(emulator)).records[-1]
    assert last.stage is Stage.ACCESS
    assert "insufficient_scope" in last.failures[0].seen


async def test_an_issuer_that_is_promised_and_missing_stops_the_login() -> None:
    """RFC 9207 §2.4: no code is sent on."""
    async with StandardEmulator(Profile.GENERIC, faults=["iss-missing"]) as emulator:
        last = (await log_in(emulator)).records[-1]
    assert (last.stage, last.failures[0].name) == (Stage.AUTHORIZATION, "authorization.iss")
