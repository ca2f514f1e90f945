"""The seconds that the user gives a login in all (`--timeout`): how many are left, and where they went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import StageResult
from authlens_core.state.assertion_source import AssertionSource
from authlens_core.trace.failure_reason import ran_out_of_time
from authlens_core.trace.flow import stage_info
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.check import CheckId, Diagnosis, failed
from authlens_core.values.exchange import Exchange, FailureKind
from authlens_core.values.fix import step

_MORE_TIME: Final = step("For more time", "authlens login URL --timeout 900")
_USER_WAITS: Final = frozenset({CheckId.AUTHORIZATION_TIMEOUT, CheckId.DEVICE_TIMEOUT})
_WORTH_NAMING: Final = 0.1  # of all the time


class TimeLimit:
    """Bounds the stages of one login together; what passes between two of them is the user's."""

    def __init__(self) -> None:
        self._extended = 0.0

    async def limited(
        self,
        work: Callable[[asyncio.Timeout], Awaitable[StageResult]],
        stage: Stage,
        facts: Facts,
        records: Sequence[StageRecord],
        sent: Sequence[Exchange],
    ) -> StageResult:
        """Return what `stage` taught, or its failure when the time is over.

        Args:
            work: what the stage does; it may move its limit, where the user is given more time.
            records: of all the stages that ran before.
            sent: what the stage sends, as it is sent.
        """
        if records and ran_out_of_time(records[-1]):
            self._extended = 0.0
        before = _since_out_of_time(records)
        clock, given = asyncio.get_running_loop().time, facts.options.wait
        started = clock()
        spent = sum(record.elapsed for record in before)
        ends = None if given is None else started + max(0.0, given + self._extended - spent)
        limit = asyncio.timeout_at(ends)
        try:
            async with limit:
                learned = await work(limit)
        except TimeoutError:
            if not limit.expired():
                raise
            return _out_of_time(facts, stage, clock() - started, before, sent)
        moved = limit.when()
        if ends is not None and moved is not None:
            self._extended += moved - ends
        return _with_time_spent(learned, before)


def _since_out_of_time(records: Sequence[StageRecord]) -> Sequence[StageRecord]:
    """Return the records that count: who tries again after the time was over has all of it again."""
    over = [number for number, record in enumerate(records, 1) if ran_out_of_time(record)]
    return records[over[-1] :] if over else records


def _out_of_time(
    facts: Facts, stage: Stage, elapsed: float, records: Sequence[StageRecord], sent: Sequence[Exchange]
) -> StageResult:
    """Return the failure of a stage that the limit ended, after `elapsed` seconds of its own."""
    limit = facts.options.wait or 0.0
    took = _named(limit, [*((r.stage, r.elapsed) for r in records), (stage, elapsed)], facts)
    evidence = (", ".join(took), *_awaited(facts, stage, sent))
    cause = f"The login did not end within {limit:g} seconds."
    check = failed(
        CheckId.LOGIN_TIMEOUT,
        f"The login ends within {limit:g} seconds.",
        "; ".join(filter(None, evidence)),
        why="You limited how long it may take.",
        cure=_MORE_TIME,
    )
    diagnosis = Diagnosis(CheckId.LOGIN_TIMEOUT, cause, _MORE_TIME, tuple(filter(None, evidence)))
    return StageResult(facts, (check,), diagnosis=diagnosis)


def _with_time_spent(learned: StageResult, records: Sequence[StageRecord]) -> StageResult:
    """Return `learned`, with what earlier stages took of the limit where too little was left for the user."""
    limit = learned.facts.options.wait
    took = [] if limit is None else _named(limit, [(r.stage, r.elapsed) for r in records], learned.facts)
    if not took:
        return learned
    spent = f"; of the {limit:g} seconds for the whole login, {', '.join(took)}"
    checks = tuple(
        replace(check, seen=check.seen + spent) if check.name in _USER_WAITS else check
        for check in learned.checks
    )
    return replace(learned, checks=checks)


def _named(limit: float, spans: Sequence[tuple[Stage, float]], facts: Facts) -> list[str]:
    """Return the stages that took much of the time, in order, each with its seconds."""
    took: dict[Stage, float] = {}
    for stage, seconds in spans:
        took[stage] = took.get(stage, 0.0) + seconds
    grant = facts.options.grant_type
    return [
        f"{stage_info(stage, grant).title} took {seconds:.1f} s"
        for stage, seconds in took.items()
        if seconds >= limit * _WORTH_NAMING
    ]


def _awaited(facts: Facts, stage: Stage, sent: Sequence[Exchange]) -> tuple[str, ...]:
    """Return what had not come when the time was over."""
    failure = sent[-1].failure if sent else None
    if failure is not None and failure.kind is FailureKind.CANCELLED:
        request = sent[-1].request
        return (f"no answer yet: {request.method} {request.url.partition('?')[0]}",)
    source = AssertionSource(facts.options.assertion_file, facts.options.assertion_command)
    if stage is Stage.EXCHANGE and not sent and source.is_one:
        return (f"no assertion yet from {source.words}",)
    return ()
