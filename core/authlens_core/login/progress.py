"""How far a login has come, and how much of its time is left.

Going back is taking earlier facts. A state is shown in one link and its code is sent in one request: where
one of them has gone out, going back leads to where the flow starts over, with new ones.

`--timeout` is for the login in all: the error says where the seconds went.

"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.login.login_stage import StageResult
from authlens_core.state.assertion_source import AssertionSource
from authlens_core.trace.flow import Flow, stage_info
from authlens_core.trace.record import Stage, StageRecord
from authlens_core.values.check import CheckId, Diagnosis, requirement
from authlens_core.values.exchange import Exchange, FailureKind
from authlens_core.values.fix import step
from authlens_core.values.login_options import Options, first_changed
from authlens_core.values.secret import Secret


class Progress:
    """The position among the stages and the facts on which the next one works."""

    def __init__(self, start: Facts) -> None:
        self._start = start
        self._after: dict[Stage, Facts] = {}
        self._index = 0
        # States, each with the stage that may not use it again: to show it in a link, or to redeem its code.
        self._used: set[tuple[Stage, Secret]] = set()
        self._sent_codes: set[Secret] = set()

    @property
    def stage(self) -> Stage | None:
        """The stage to run next, or None when all have passed."""
        return None if self.finished else self._flow.stages[self._index]

    @property
    def finished(self) -> bool:
        return self._index >= len(self._flow.stages)

    @property
    def facts(self) -> Facts:
        """Everything learned so far, with the code even if it was sent already: answers to it mask it."""
        return self._start if self._index == 0 else self._after[self._flow.stages[self._index - 1]]

    @property
    def _flow(self) -> Flow:
        return self._start.flow

    @property
    def usable(self) -> Facts:
        """Everything learned so far, without a code that was sent already."""
        facts = self.facts
        return replace(facts, code=None) if facts.code in self._sent_codes else facts

    def passed(self, stage: Stage, facts: Facts) -> None:
        self._after[stage] = facts
        self._index = self._flow.position(stage) + 1

    def approve(self, check_name: str) -> None:
        """Note that the user goes on despite a check of the next stage."""
        self._replace(replace(self.facts, approved=self.facts.approved | {check_name}))

    def back(self, to: Stage | None = None) -> None:
        """Go back to `to`, or one stage; never forward. What was approved there is asked again."""
        index = self._index - 1 if to is None else self._flow.position(to)
        # Never forward: the facts of a later stage do not exist yet.
        self._index = max(0, min(index, self._index))
        self.renew()

    def start_over(self) -> None:
        """Go back to where another attempt begins, in a flow in which something was used up."""
        if self._flow.starts_over is not None:
            self._index = min(self._index, self._flow.position(self._flow.starts_over))

    def renew(self) -> None:
        """Stay, or start over where a state would be shown, or its code redeemed, a second time.

        Approvals are withdrawn.
        """
        if (self.stage, self.facts.state) in self._used:
            self.start_over()
        # Another attempt may show something else.
        self._replace(replace(self.facts, approved=frozenset()))

    def use(self, options: Options) -> None:
        """Decide again, and go back to the first stage in which that matters."""
        before = self.facts.options
        if options.issuer_name != before.issuer_name and options.issuer == before.issuer:
            # It is for the server that the user sees now.
            options = replace(options, issuer=self.facts.issuer_identifier)
        changed, stage = first_changed(before, options), self.stage
        # What is remembered for one server is no choice for another, which may be named next.
        chosen = self.facts.own_options(options, self._start.options)
        self._start = replace(self._start, options=chosen)
        self._after = {
            stage: replace(facts, options=chosen if facts.issuer_identifier is None else options)
            for stage, facts in self._after.items()
        }
        # The flow may be another one now, with other stages. What was learned still counts, because all flows
        # have the stages in common that come before the choice matters.
        self._index = self._flow.position(stage)
        if changed is None:
            self.renew()
        else:
            self.back(changed)

    def step_up(self, scope: str) -> None:
        """Go back to authorize again with `scope`, and count it whatever comes after."""
        again = self.facts.step_ups + 1
        # In all facts: going back must not forget how often this was tried.
        self._start = replace(self._start, step_ups=again)
        self._after = {stage: replace(facts, step_ups=again) for stage, facts in self._after.items()}
        # As an option: the scope of the challenge would be asked for again.
        self.use(replace(self.facts.options, scope=scope))
        self.start_over()
        self.renew()

    def link_shown(self, facts: Facts) -> None:
        """Note that the link with the state in `facts` is out."""
        if facts.state is not None:
            self._used.add((Stage.AUTHORIZATION, facts.state))

    def code_sent(self, facts: Facts) -> None:
        """Note that the code in `facts` is on its way."""
        if facts.code is not None and facts.state is not None:
            # Whether or not it arrives: a server may count a code as used, and end the grant at a second use
            # (RFC 6749 §4.1.2).
            self._used.add((Stage.EXCHANGE, facts.state))
            self._sent_codes.add(facts.code)

    def _replace(self, facts: Facts) -> None:
        if self._index == 0:
            self._start = facts
        else:
            self._after[self._flow.stages[self._index - 1]] = facts


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
        if records and records[-1].ran_out_of_time:
            self._extended = 0.0
        before = _since_out_of_time(records)
        clock, wait = asyncio.get_running_loop().time, facts.options.wait
        started = clock()
        spent = sum(record.elapsed for record in before)
        # Only what the stages took counts: a user who reads between two of them loses nothing of the limit.
        ends = None if wait is None else started + max(0.0, wait + self._extended - spent)
        limit = asyncio.timeout_at(ends)
        try:
            async with limit:
                learned = await work(limit)
        except TimeoutError:
            # A TimeoutError of something else, such as a lock: it is not the login that ran out of time.
            if not limit.expired():
                raise
            return _out_of_time(facts, stage, clock() - started, records=before, sent=sent)
        moved = limit.when()
        if ends is not None and moved is not None:
            self._extended += moved - ends
        return _with_time_spent(learned, before)


def _since_out_of_time(records: Sequence[StageRecord]) -> Sequence[StageRecord]:
    """Return the records that count: who tries again after the time was over has all of it again."""
    over = [number for number, record in enumerate(records, 1) if record.ran_out_of_time]
    return records[over[-1] :] if over else records


def _out_of_time(
    facts: Facts, stage: Stage, elapsed: float, records: Sequence[StageRecord], sent: Sequence[Exchange]
) -> StageResult:
    """Return the failure of a stage that the limit ended, after `elapsed` seconds of its own."""
    limit = facts.options.wait or 0.0
    took = _long_stages(limit, [*((r.stage, r.elapsed) for r in records), (stage, elapsed)], facts)
    evidence = tuple(filter(None, (", ".join(took), *_missing_answer(facts, stage, sent))))
    cause = f"The login did not end within {limit:g} seconds."
    check = requirement(CheckId.LOGIN_TIMEOUT, limit=limit).failed("; ".join(evidence))
    diagnosis = Diagnosis(CheckId.LOGIN_TIMEOUT, cause, _MORE_TIME, evidence)
    return StageResult(facts, (check,), diagnosis=diagnosis)


def _with_time_spent(learned: StageResult, records: Sequence[StageRecord]) -> StageResult:
    """Return `learned`, with what earlier stages took of the limit where too little was left for the user."""
    facts = learned.facts
    limit = facts.options.wait
    took = [] if limit is None else _long_stages(limit, [(r.stage, r.elapsed) for r in records], facts)
    if not took:
        return learned
    spent = f"; of the {limit:g} seconds for the whole login, {', '.join(took)}"
    checks = tuple(
        replace(check, seen=check.seen + spent) if check.name in _USER_WAITS else check
        for check in learned.checks
    )
    return replace(learned, checks=checks)


def _long_stages(limit: float, spans: Sequence[tuple[Stage, float]], facts: Facts) -> list[str]:
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


def _missing_answer(facts: Facts, stage: Stage, sent: Sequence[Exchange]) -> tuple[str, ...]:
    """Return what had not come when the time was over."""
    failure = sent[-1].failure if sent else None
    if failure is not None and failure.kind is FailureKind.CANCELLED:
        request = sent[-1].request
        return (f"no answer yet: {request.method} {request.url.partition('?')[0]}",)
    source = AssertionSource.of(facts.options)
    if stage is Stage.EXCHANGE and not sent and source.is_one:
        return (f"no assertion yet from {source.words}",)
    return ()
