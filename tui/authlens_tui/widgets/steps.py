"""A trace as the steps of the stepper."""

from __future__ import annotations

from typing import Final

from authlens_core.oauth.check import Severity
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_tui.widgets.stepper import Step, StepState

__all__ = ["steps_of"]

_STATES: Final = {Outcome.FAILED: StepState.FAILED, Outcome.CANCELLED: StepState.CANCELLED}


def steps_of(trace: Trace, position: Stage | None, running: Stage | None) -> tuple[Step, ...]:
    """Return the eight steps: what has passed, what failed, what runs, what lies ahead.

    A stage lies ahead again, whatever it came to once, when the person went back before it.
    """
    here = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
    last = trace.records[-1] if trace.records else None
    return tuple(
        _step(stage, trace.latest(stage) if index < here else _unresolved(last, stage, position), running)
        for index, stage in enumerate(LOGIN_STAGES)
    )


def _unresolved(last: StageRecord | None, stage: Stage, position: Stage | None) -> StageRecord | None:
    """Return the last record where it is of the stage to run next, and that did not pass."""
    here = last is not None and last.stage is stage is position
    return last if here and last is not None and last.outcome is not Outcome.PASSED else None


def _step(stage: Stage, record: StageRecord | None, running: Stage | None) -> Step:
    info = STAGE_INFO[stage]
    if running is stage:
        return Step(info.number, info.title, StepState.RUNNING)
    if record is None:
        return Step(info.number, info.title)
    passed = StepState.WARNED if record.count(Severity.WARNING) else StepState.DONE
    return Step(info.number, info.title, _STATES.get(record.outcome, passed), record.elapsed)
