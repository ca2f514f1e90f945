"""The steps of a login under each fault: a stage that failed is never shown as done."""

from __future__ import annotations

import pytest

from authlens_core.emulator import Fault
from authlens_core.trace.record import Outcome
from authlens_tui.widgets.stepper import StepState, steps_of
from support.walked_faults import walked

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("fault", Fault, ids=str)
async def test_a_stage_that_failed_is_not_shown_as_done(fault: Fault) -> None:
    login = (await walked(fault)).login
    states = [step.state for step in steps_of(login.flow, login.trace, login.position, None)]
    if login.finished:
        assert set(states) <= {StepState.DONE, StepState.WARNED}
        return
    failed = login.trace.records[-1]
    assert failed.outcome is Outcome.FAILED
    ran = sum(1 for state in states if state is not StepState.WAITING)
    assert states[ran - 1] is StepState.FAILED
    assert StepState.FAILED not in states[: ran - 1]
    assert set(states[ran:]) <= {StepState.WAITING}
