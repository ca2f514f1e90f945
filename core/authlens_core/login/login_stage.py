"""What a stage of a login is: a pure pair of functions over facts and exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.login.facts import Facts
from authlens_core.trace.fact import Fact
from authlens_core.trace.failure_reason import diagnosis_of
from authlens_core.values.check import Check, Diagnosis, Severity, requirement
from authlens_core.values.exchange import Exchange, FailureKind, Purpose, Request, WireFailure
from authlens_core.values.stage import Stage
from authlens_core.wire.limits import METADATA, Limits


class PlannedRequest(Struct, frozen=True):
    """A request that a stage wants sent, with what the sender has to know about it.

    Attributes:
        request: the request, before the sender adds the fields every request has.
        server_supplied: true when a server named the URL; it may then not lead from a public resource to a
            private address.
        limits: how long and how large the answer may be.
        not_before: when it may be sent, UTC; None is at once.
        repeats: whether the one before it was refused, and this one is sent instead.
    """

    request: Request
    purpose: Purpose
    server_supplied: bool = True
    limits: Limits = METADATA
    not_before: datetime | None = None
    repeats: bool = False


def stopped(planned: PlannedRequest, started_at: datetime, elapsed: float) -> Exchange:
    """Record a request that was under way when the user stopped it."""
    cause = "It was stopped before the answer was complete; the server may have acted on it."
    failure = WireFailure(FailureKind.CANCELLED, cause, "Run the stage again.", may_have_arrived=True)
    return Exchange(
        planned.request, None, failure, started_at=started_at, elapsed=elapsed, purpose=planned.purpose
    )


class StageResult(Struct, frozen=True):
    """What a stage made of its exchanges.

    Attributes:
        facts: the new facts; they count only if no check failed, or all that did are overridden.
        display_facts: what was learned, by its standard name, for display.
        stop: true if the user stopped the login while its result was being stored.
        diagnosis: why it failed, if the stage knows more than its checks and its last answer show.
        stored: false if what it got may not be stored.
    """

    facts: Facts
    checks: tuple[Check, ...] = ()
    display_facts: tuple[Fact, ...] = ()
    diagnosis: Diagnosis | None = None
    stop: bool = False
    stored: bool = True

    def with_checks(self, *checks: Check) -> StageResult:
        return replace(self, checks=(*self.checks, *checks))

    def judged_by(self, verdicts: Sequence[Check]) -> StageResult:
        """Return this with the verdicts on an attack; where it was refused, what failed shows the refusal."""
        if not verdicts or verdicts[0].severity is not Severity.PASS:
            return self.with_checks(*verdicts)
        checks = (
            replace(check, seen=verdicts[0].seen, cure="") if check.severity is Severity.FAILURE else check
            for check in self.checks
        )
        return replace(self, checks=tuple(checks), diagnosis=None).with_checks(*verdicts)


def unanswered(facts: Facts, exchange: Exchange, name: str, *, once: bool = False) -> StageResult:
    """Return the failure of a stage whose request got no complete answer, as the check `name`.

    Args:
        once: whether the server does at most once what was asked for.
    """
    lost = exchange.no_answer
    result = "lost" if once and lost.may_have_arrived else ""
    return StageResult(facts, (requirement(name, cure=lost.cure).failed(lost.cause, result),))


def parted(
    exchanges: Sequence[Exchange], purpose: Purpose
) -> tuple[tuple[Exchange, ...], tuple[Exchange, ...]]:
    """Return the exchanges of other purposes, and those of this one."""
    apart = tuple(e for e in exchanges if e.purpose is purpose)
    return tuple(e for e in exchanges if e.purpose is not purpose), apart


def places_tried(exchanges: Sequence[Exchange]) -> str:
    """Return where a document was looked for, each with the status of the answer."""
    return ", ".join(f"{e.request.url} ({e.response.status})" for e in exchanges if e.response is not None)


class WaitStopped(asyncio.CancelledError):
    """The user stopped the wait for the browser; `check` says what came until then."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self.check = check


def diagnosed(
    stage: Stage, facts: Facts, checks: Sequence[Check], exchanges: Sequence[Exchange]
) -> Diagnosis | None:
    """Return the diagnosis of a stage that ended with `checks`, by all that the login knows."""
    return diagnosis_of(stage, checks, exchanges, overridden=facts.approved, kind=facts.server_kind)


class LoginStage(Protocol):
    """One stage. Neither function does I/O, so a stage is tested with plain values and can be replayed."""

    def request(self, facts: Facts, sent: Sequence[Exchange]) -> PlannedRequest | None:  # noqa: ARG002
        """Return the next request given what was sent in this stage so far, or None when there is no more.

        A stage that sends nothing inherits this.
        """
        return None

    def learn(self, facts: Facts, exchanges: Sequence[Exchange]) -> StageResult:
        """Return what the exchanges of this stage taught."""
