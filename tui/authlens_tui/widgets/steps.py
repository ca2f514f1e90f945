"""A trace as the steps of the stepper."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from authlens_core.oauth.check import Severity
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.trace.stage_info import LOGIN_STAGES, STAGE_INFO
from authlens_tui.widgets.stepper import StageStep, StepState

_STATES: Final = {Outcome.FAILED: StepState.FAILED, Outcome.CANCELLED: StepState.CANCELLED}


def stages_of(trace: Trace, running: Stage | None = None) -> tuple[Stage, ...]:
    """Return the eight stages, and the refresh where an experiment after the login made one."""
    refreshed = running is Stage.REFRESH or trace.latest(Stage.REFRESH) is not None
    return (*LOGIN_STAGES, Stage.REFRESH) if refreshed else LOGIN_STAGES


def steps_of(trace: Trace, position: Stage | None, running: Stage | None) -> tuple[StageStep, ...]:
    """Return the steps: what has passed, what failed, what runs, what lies ahead.

    A stage lies ahead again, whatever it came to once, when the user went back before it.
    """
    here = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
    last = trace.records[-1] if trace.records else None

    def latest(number: int, stage: Stage) -> StageRecord | None:
        # What was run after the login has no place among its stages, and is past in any case.
        past = number <= here or stage not in LOGIN_STAGES
        return trace.latest(stage) if past else _unresolved(last, stage, position)

    tampered = {record.stage for record in trace.records if record.tampering}
    return tuple(
        replace(_step(number, stage, latest(number, stage), running), tampered=stage in tampered)
        for number, stage in enumerate(stages_of(trace, running), 1)
    )


def _unresolved(last: StageRecord | None, stage: Stage, position: Stage | None) -> StageRecord | None:
    """Return the last record where it is of the stage to run next, and that did not pass."""
    here = last is not None and last.stage is stage is position
    return last if here and last is not None and last.outcome is not Outcome.PASSED else None


def _step(number: int, stage: Stage, record: StageRecord | None, running: Stage | None) -> StageStep:
    title = STAGE_INFO[stage].title
    if running is stage:
        return StageStep(number, title, StepState.RUNNING)
    return StageStep(number, title) if record is None else StageStep(number, title, *how_it_ended(record))


def how_it_ended(record: StageRecord) -> tuple[StepState, float]:
    """Return the state of a stage that was run, and the seconds to show beside it."""
    passed = StepState.WARNED if record.count(Severity.WARNING) else StepState.DONE
    # Of a stage that waits for a user, the time on the network says more than the wait.
    took = record.network if record.exchanges else record.elapsed
    return _STATES.get(record.outcome, passed), took
