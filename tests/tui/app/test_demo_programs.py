"""The scenarios of programs: each ends as its card says, and no view speaks of a login of a user."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.desk.log_in import start_login
from authlens_core.desk.session import Session
from authlens_core.explain.overview import overview
from authlens_core.export.markdown import markdown
from authlens_core.export.redaction import Redactor
from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, Stage
from authlens_core.wire.client import Wire
from authlens_lab.emulator import Profile
from authlens_lab.learning.catalogue import drills
from authlens_lab.learning.desk.drill_world import DrillWorld
from authlens_lab.learning.lesson import CourseLesson, DrillGroup
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.widgets.record.diagram import diagram_lines
from support.made_checks import present

BY_NAME = {name: drill for name, drill in drills().items() if drill.drill.group is DrillGroup.MACHINE}
GIVEN = ("client-secret", "client-key", "workload", "enterprise")
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


@pytest.mark.parametrize("name", GIVEN)
async def test_a_program_gets_its_token_and_no_view_speaks_of_a_user_s_login(name: str) -> None:
    async with played(name) as (login, session):
        assert login.finished
        assert [grant.kind for grant in session.credentials.list()] == ["machine"]
    assert [text for text in views_of(login) if OF_A_USER.search(text)] == []


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


OWNED = [
    drill
    for drill in drills().values()
    if drill.drill.owner is not None and drill.world.profile is not Profile.ACCESS
]


@pytest.mark.parametrize("drill", OWNED, ids=lambda drill: drill.name)
async def test_the_owner_changes_the_setting_and_the_stage_passes(drill: CourseLesson) -> None:
    """Of an MCP server, an authorization server, a platform, an identity provider."""
    workspace = DemoWorkspace((drill.name,))
    url = present(await workspace.prepare())
    owner = present(workspace.demo_login(url).owner)
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
