"""The scenarios on MCP servers and APIs: each one, played by its keys, ends as its card says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from authlens_core.credentials.lifecycle.revoke import revoke
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.emulator import (
    PlayResult,
    Scenario,
    ScenarioGroup,
    StandardCase,
    emulator_with,
    play_person,
    scenarios,
)
from authlens_core.login.login import Login
from authlens_core.trace.events import AuthorizationReady, DeviceCodeReady, Event
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.login_options import Options
from authlens_core.values.stage import GrantType
from authlens_core.wire.client import Wire

BY_NAME = {one.name: one for one in scenarios() if one.group is ScenarioGroup.STANDARD}


@asynccontextmanager
async def begun(name: str) -> AsyncIterator[tuple[Login, Session]]:
    """Give a login to the scenario's emulator, with the user played, and its session."""
    scenario: Scenario = BY_NAME[name]
    case = scenario.fault
    assert isinstance(case, StandardCase)
    grant_type = GrantType.DEVICE_CODE if case.device else GrantType.AUTHORIZATION_CODE
    options = Options(port=0, wait=60, grant_type=grant_type)
    playing: list[asyncio.Task[PlayResult]] = []

    def watch(event: Event) -> None:
        if isinstance(event, AuthorizationReady):
            playing.append(asyncio.ensure_future(play_person(event.url)))
        elif isinstance(event, DeviceCodeReady) and event.device.verification_uri_complete is not None:
            playing.append(asyncio.ensure_future(play_person(event.device.verification_uri_complete.text)))

    async with emulator_with((case,)) as emulator, Session(Wire(), Credentials.memory()) as session:
        login = start_login(session, emulator.resource_url, options)
        login.watch(watch)
        try:
            await login.run_all()
            yield login, session
            await asyncio.gather(*playing)
        finally:
            await login.aclose()


def sent(record: StageRecord | None) -> list[str]:
    """Return the requests of a stage: method and path."""
    assert record is not None
    return [f"{one.request.method} {urlsplit(one.request.url).path}" for one in record.exchanges]


def test_every_standard_scenario_is_played_in_this_module() -> None:
    assert set(BY_NAME) == {
        "device-code",
        "par-required",
        "dpop-required",
        "step-up",
        "jwt-access-tokens",
        "default-paths",
        "open-initialize",
    }


async def test_a_login_by_device_code_polls_until_the_code_is_approved() -> None:
    async with begun("device-code") as (login, _):
        assert login.finished
        assert login.facts.device is not None
        assert sent(login.trace.latest(Stage.EXCHANGE))[0] == "POST /token"


async def test_a_pushed_request_leaves_only_its_reference_in_the_link() -> None:
    async with begun("par-required") as (login, _):
        assert login.finished
        assert "POST /par" in sent(login.trace.latest(Stage.AUTHORIZATION))


async def test_tokens_of_a_resource_that_requires_dpop_are_bound_to_a_key() -> None:
    async with begun("dpop-required") as (login, _):
        assert login.finished
        assert login.facts.tokens is not None
        assert login.facts.tokens.token_type == "DPoP"


async def test_a_missing_scope_stops_stage_8_and_a_retry_authorizes_again() -> None:
    async with begun("step-up") as (login, _):
        assert (login.position, login.finished) == (Stage.ACCESS, False)
        await login.retry()
        await login.run_all()
        assert login.finished
        assert set((login.facts.scope or "").split()) >= {"read", "write"}


async def test_a_jwt_access_token_works_after_the_login_is_revoked() -> None:
    async with begun("jwt-access-tokens") as (login, session):
        assert login.finished
        [grant] = session.credentials.list()
        revoked = await revoke(session.credentials, session.wire, grant.grant_id, pauses=())
        assert "unsupported_token_type" in str(revoked.trace.records)


async def test_an_old_server_stops_stages_2_and_3_until_the_user_continues() -> None:
    async with begun("default-paths") as (login, _):
        for stage in (Stage.RESOURCE_METADATA, Stage.SERVER_METADATA):
            assert login.position is stage
            [check] = [one for one in login.trace.records[-1].failures if one.overridable]
            await login.override(check.name)
            await login.run_all()
        assert login.finished


async def test_a_server_that_asks_late_is_asked_for_its_tools() -> None:
    async with begun("open-initialize") as (login, _):
        assert login.finished
        assert login.facts.call is not None
        assert "tools/list" in str(login.facts.call)
