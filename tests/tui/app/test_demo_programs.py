"""The scenarios of programs: each ends as its card says, and no view speaks of a login of a user."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NoReturn

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.emulator import Profile
from authlens_core.explain.overview import overview
from authlens_core.export.markdown import markdown
from authlens_core.export.redaction import Redactor
from authlens_core.learning.catalogue import drills
from authlens_core.learning.desk.drill_world import DrillWorld
from authlens_core.learning.lesson import CourseLesson, DrillGroup
from authlens_core.login.callback_wait import ResponseWait
from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, Stage
from authlens_core.values.check import CheckId
from authlens_core.values.login_options import Options
from authlens_core.wire.client import Wire
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.widgets.record.diagram import diagram_lines

BY_NAME = {name: drill for name, drill in drills().items() if drill.drill.group is DrillGroup.MACHINE}
GIVEN = ("client-secret", "client-key", "workload", "enterprise")
REFUSED = {
    "scope-refused": "program_scope_refused",
    "key-unknown": "program_not_authenticated",
    "assertion-audience": "assertion_refused",
    "assertion-expired": "assertion_refused",
    "policy-denies": "provider_refuses",
}
# What a login of a program has none of.
OF_A_USER = re.compile(
    r"PKCE|code_verifier|code_challenge|redirect.?uri|\bcodes?\b|(your|the) browser|\bPerson\b|"
    r"sign in|\bstate\b",
    re.IGNORECASE,
)


@asynccontextmanager
async def played(name: str) -> AsyncIterator[tuple[Login, Session]]:
    """Run the login of a scenario as far as it goes."""
    world = DrillWorld((BY_NAME[name],))
    await world.start()
    async with Session(Wire(), Credentials.memory()) as session:
        login = start_login(session, world.resource_url, world.options())
        try:
            await login.run_all()
            yield login, session
        finally:
            await login.aclose()
            await world.stop()


def test_every_scenario_of_programs_is_played_in_this_module() -> None:
    assert set(BY_NAME) == {*GIVEN, *REFUSED, "programs-only"}


@pytest.mark.parametrize("name", GIVEN)
async def test_a_program_gets_its_token_and_no_view_speaks_of_a_user_s_login(name: str) -> None:
    async with played(name) as (login, session):
        assert login.finished
        assert [grant.kind for grant in session.credentials.list()] == ["machine"]
    assert [text for text in views_of(login) if OF_A_USER.search(text)] == []


async def test_a_program_needs_no_port_for_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing comes back to it: whether a port is free is not even looked at."""

    async def opened(_wait: ResponseWait, _options: Options) -> NoReturn:
        pytest.fail("it looked for a port")

    monkeypatch.setattr(ResponseWait, "open", opened)
    async with played("client-secret") as (login, _):
        assert login.finished


def views_of(login: Login) -> Iterator[str]:
    """Yield what the views of a login say, in our words and in the diagrams."""
    records = login.trace.records
    for record in records:
        yield record.title
        seen = overview(record)
        yield from seen.sentences
        yield from (f"{fact.name}: {fact.note}" for fact in record.facts)
        yield from (f"{check.expected} {check.why} {check.cure}" for check in record.checks)
        flow = record.flow
        yield str(flow.info(record.stage))
        if record.stage is not Stage.DETECTION:  # it says why the login page for browsers is not followed
            yield str(flow.lesson(record.stage))
    for width in (50, 80, 120):
        for line in diagram_lines(records, width, Redactor()):
            yield "".join(text for text, _ in line.pieces)
    yield markdown(login.trace)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_program_is_told_its_cause(name: str) -> None:
    async with played(name) as (login, _):
        diagnosis = login.trace.records[-1].diagnosis
        assert diagnosis is not None
        assert diagnosis.name == REFUSED[name]


async def test_a_user_at_a_server_for_programs_is_told_so() -> None:
    async with played("programs-only") as (login, _):
        [failure] = login.trace.records[-1].failures
        assert failure.name == CheckId.SERVER_PROGRAMS_ONLY
        assert "authlens login URL --machine client-credentials" in str(failure.cure)


OWNED = [
    drill
    for drill in drills().values()
    if drill.drill.owner is not None and drill.world.profile is not Profile.ACCESS
]


@pytest.mark.parametrize("drill", OWNED, ids=lambda drill: drill.name)
async def test_the_owner_changes_the_setting_and_the_stage_passes(drill: CourseLesson) -> None:
    """Of an MCP server, an authorization server, a platform, an identity provider."""
    workspace = DemoWorkspace((drill.name,))
    url = await workspace.prepare()
    assert url is not None
    owner = workspace.demo_login(url).owner
    assert owner is not None
    async with Session(Wire(), Credentials.memory()) as session:
        login = start_login(session, url, workspace.options(url))
        try:
            await login.run_all()
            failed = login.trace.records[-1]
            for on in (False, True):
                owner.switch(on=on)
                assert owner.is_on is on
                await login.retry()
                record = await login.step()
                assert (record.stage, record.outcome is Outcome.PASSED) == (failed.stage, on)
        finally:
            await login.aclose()
            await workspace.close()
