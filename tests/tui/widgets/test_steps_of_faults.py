"""The views of each scenario's login: each says what the record says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from authlens_core.desk.log_in import attacks_on
from authlens_core.learning.catalogue import drills
from authlens_core.learning.lesson import CourseLesson
from authlens_core.login.login import Login
from authlens_core.trace.record import Outcome, Stage
from authlens_tui.widgets.stepper import StepState, steps_of
from support.scenario_logins import login_of
from support.screens import scripted
from support.scripted_login import ISSUER, come_back, reply
from support.untrue_views import untrue

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("drill", drills().values(), ids=lambda drill: drill.name)
async def test_every_view_of_a_login_follows_from_its_record(drill: CourseLesson) -> None:
    """Arrows, titles, counts and lessons; and a stage that failed is not shown as done."""
    login = await login_of(drill)
    assert untrue(login.trace) == []
    assert wrong_steps(login) == []


def wrong_steps(login: Login) -> list[str]:
    """Return what the list of stages says that is not so."""
    states = [step.state for step in steps_of(login.flow, login.trace, login.position, None)]
    if login.finished:
        return [state for state in states if state not in (StepState.DONE, StepState.WARNED)]
    assert login.trace.records[-1].outcome is Outcome.FAILED
    ran = sum(1 for state in states if state is not StepState.WAITING)
    early = [state for state in states[: ran - 1] if state is StepState.FAILED]
    late = [state for state in states[ran:] if state is not StepState.WAITING]
    return [*early, *late, *(() if states[ran - 1] is StepState.FAILED else ("the last one did not fail",))]


async def test_every_view_of_an_attacked_login_follows_from_its_record() -> None:
    """Both sides of it, and the stages that were run again."""
    login, sender = scripted()
    login.watch(come_back(login))
    await login.run_all()
    sender.script = {**sender.script, f"POST {ISSUER}/token": reply(400, {"error": "invalid_grant"})}
    login.arm(attacks_on(login.facts)[0])
    await login.run_all()
    assert untrue(login.trace) == []
    both = login.trace.honest_and_attacked
    assert both is not None
    for side, outcome in zip(both, (Outcome.PASSED, Outcome.FAILED), strict=True):
        records = tuple(login.trace.records[number] for number in side)
        assert records[-1].outcome is outcome
        assert records[-1].stage is (Stage.ACCESS if outcome is Outcome.PASSED else Stage.EXCHANGE)
        assert untrue(replace(login.trace, records=records)) == []
