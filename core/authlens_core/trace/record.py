"""The trace: everything that happened, as stages made of exchanges, checks and facts.

Every view (wizard, diagram, export, replay) is a function of these values, which never change once made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.trace.fact import Fact, FactId, FactValue, fact_text, is_absent
from authlens_core.trace.flow import AUTHORIZATION_CODE, Flow, flow_of
from authlens_core.values.check import Check, CheckId, Diagnosis, ErrorCode, Severity, failures
from authlens_core.values.errors import (
    AuthlensError,
    NotProtected,
    Refused,
    ServerMisconfigured,
    TimedOut,
    UsageError,
)
from authlens_core.values.exchange import Exchange, Purpose, Request, Response
from authlens_core.values.fix import WayOn, other_ways
from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, GrantType, Outcome, Stage, TraceKind, UserPart

__all__ = [
    "AUTHORIZATION_CODE",
    "LOGIN_STAGES",
    "REVOCATION_CHECKS",
    "Check",
    "CheckId",
    "Diagnosis",
    "Exchange",
    "Fact",
    "FactId",
    "FactValue",
    "Flow",
    "GrantType",
    "Outcome",
    "Request",
    "Response",
    "RunningStage",
    "Secret",
    "Severity",
    "Stage",
    "StageRecord",
    "Trace",
    "TraceKind",
    "UserPart",
    "fact_text",
    "flow_of",
    "is_absent",
    "sent_once",
    "taken_over",
]

_Value = TypeVar("_Value")
# The checks that judge the two requests of a revocation.
REVOCATION_CHECKS: Final[Mapping[Purpose, CheckId]] = {
    Purpose.REVOKE_ACCESS_TOKEN: CheckId.REVOKE_ACCESS_TOKEN,
    Purpose.REVOKE_REFRESH_TOKEN: CheckId.REVOKE_REFRESH_TOKEN,
}
# RFC 6749 §5.2 has the first for it, but servers that forgot a client answer with the second, too.
_UNKNOWN_CLIENT: Final = frozenset({ErrorCode.INVALID_CLIENT, ErrorCode.UNAUTHORIZED_CLIENT})
_NO_PORT: Final = frozenset(
    {CheckId.REGISTRATION_PORT, CheckId.REGISTRATION_PORT_HALF, CheckId.REGISTRATION_LISTENER}
)
_OUT_OF_TIME: Final = frozenset(
    {CheckId.AUTHORIZATION_TIMEOUT, CheckId.DEVICE_TIMEOUT, CheckId.LOGIN_TIMEOUT}
)
_MOST_LINES: Final = 6  # of evidence
_BY_CHECK: Final[Mapping[str, type[AuthlensError]]] = {
    CheckId.REGISTRATION_PORT: UsageError,
    CheckId.REGISTRATION_PORT_HALF: UsageError,
    CheckId.REGISTRATION_LISTENER: UsageError,
    CheckId.REGISTRATION_ENDPOINT: UsageError,
    CheckId.EXCHANGE_ASSERTION: UsageError,
    CheckId.EXCHANGE_ASSERTION_LATE: TimedOut,
    CheckId.AUTHORIZATION_TIMEOUT: TimedOut,
    CheckId.DEVICE_EXPIRED: TimedOut,
    CheckId.DEVICE_TIMEOUT: TimedOut,
    CheckId.AUTHORIZATION_ERROR: Refused,
    CheckId.ACCESS_ACCEPTED: Refused,
}
# What a stage asks for besides what decides it: a look for metadata if nothing was refused, and the keys for
# a token that has come.
_ASIDE: Final = {Stage.DETECTION: Purpose.RESOURCE_METADATA, Stage.EXCHANGE: Purpose.SIGNING_KEYS}
# In these stages a server that answers with an OAuth error has refused; before them it is misconfigured.
_REFUSES: Final = frozenset({Stage.REGISTRATION, Stage.EXCHANGE, Stage.REFRESH})


class StageRecord(Struct, frozen=True):
    """One attempt at one stage.

    Attributes:
        tampering: what the user changed in it on purpose, each in a few of our words; empty if the stage
            ran normally.
        diagnosis: why it failed or what its warnings mean, made when the record is made; None if its
            checks say everything.
        grant_type: how the login gets its tokens, which says what its `Flow` is; None after a login.
    """

    stage: Stage
    outcome: Outcome
    started_at: datetime
    elapsed: float
    exchanges: tuple[Exchange, ...] = ()
    checks: tuple[Check, ...] = ()
    facts: tuple[Fact, ...] = ()
    overridden: frozenset[str] = frozenset()
    attempt: int = 1
    tampering: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None
    grant_type: GrantType | None = None

    @property
    def flow(self) -> Flow:
        """The way to log in that it belongs to; after a login, the one with the most stages."""
        return flow_of(self.grant_type)

    @property
    def title(self) -> str:
        """What its stage is called in this login."""
        return self.flow.info(self.stage).title

    @property
    def network(self) -> float:
        """Seconds that its exchanges took; the rest of `elapsed` is authlens, the browser and the user."""
        return sum(exchange.elapsed for exchange in self.exchanges)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The failed checks that were not overridden."""
        return failures(self.checks, self.overridden)

    @property
    def reason(self) -> Diagnosis | None:
        """Why the stage failed, by its diagnosis if it has one; None if it did not fail.

        The layer is in the sentence, and of the evidence the first lines.
        """
        if self.outcome is not Outcome.FAILED or not self.failures:
            return None
        if (refusal := self.refused_attack) is not None:
            cause = f"Your attack ends here, as it must. {refusal.expected}"
            return Diagnosis(refusal.name, cause, "", (refusal.seen,))
        check, diagnosis = self.decisive_check, self.diagnosis
        if diagnosis is None:
            expected = check.expected.rstrip(".")
            return Diagnosis(check.name, f"Expected: {expected}. Seen: {check.seen or 'nothing'}", check.cure)
        cause = f"{diagnosis.cause} Layer: {diagnosis.layer}." if diagnosis.layer else diagnosis.cause
        evidence = diagnosis.evidence or ((check.seen,) if check.seen else ())
        return replace(diagnosis, cause=cause, evidence=evidence[:_MOST_LINES])

    @property
    def refused_attack(self) -> Check | None:
        """The verdict on an attack that was refused as it must be; None if none was."""
        return next((check for check in self.checks if check.refuses_attack), None)

    @property
    def decisive_check(self) -> Check:
        """The failed check that is reported: the first that no yes helps against, else the first."""
        return min(self.failures, key=lambda check: check.overridable)

    @property
    def error(self) -> AuthlensError | None:
        """The error that the stage amounts to; None if it did not fail."""
        reason = self.reason
        if reason is None:
            return None
        evidence = f" Seen: {' · '.join(reason.evidence)}" if reason.evidence else ""
        kind = _error_type(self, self.decisive_check)
        return kind(f"{reason.cause}{evidence}", reason.cure, stage=self.title)

    @property
    def failed_checks(self) -> frozenset[str]:
        """The names of those checks."""
        return frozenset(check.name for check in self.failures)

    @property
    def may_continue(self) -> bool:
        """True if an approval leads on: all that failed may be approved. A stopped stage has no failure."""
        return bool(self.failures) and all(check.overridable for check in self.failures)

    @property
    def client_is_unknown(self) -> bool:
        """Whether the server refused because it does not know the client, or no longer."""
        return any(check.error_code in _UNKNOWN_CLIENT for check in self.failures)

    @property
    def got_no_callback(self) -> bool:
        """Whether a login ended because the browser did not come back in time."""
        return CheckId.AUTHORIZATION_TIMEOUT in self.failed_checks

    @property
    def has_no_port(self) -> bool:
        """Whether a login ended because the port of its callback is not ours."""
        return not _NO_PORT.isdisjoint(self.failed_checks)

    @property
    def needs_a_program(self) -> bool:
        """Whether the server lets only programs log in."""
        return CheckId.SERVER_PROGRAMS_ONLY in self.failed_checks

    @property
    def other_ways(self) -> frozenset[WayOn]:
        """The ways on without this login that its fix names."""
        return other_ways(self.reason.cure) if self.reason else frozenset()

    @property
    def other_host_may_help(self) -> bool:
        """Whether the other host name in the redirect URI may."""
        if self.stage is Stage.AUTHORIZATION:
            # A server that refuses the URI says so in the browser only, and then nothing comes back.
            return WayOn.OTHER_HOST in self.other_ways or self.got_no_callback
        if self.stage is not Stage.REGISTRATION or not self.failures:
            return False
        return CheckId.REGISTRATION_PORT_HALF in self.failed_checks or not self.has_no_port

    @property
    def ran_out_of_time(self) -> bool:
        """Whether a login ended because the time was over that it, or the user in it, was given."""
        return not _OUT_OF_TIME.isdisjoint(self.failed_checks)

    @property
    def lacks_scope(self) -> bool:
        """Whether the resource refused the token of a login because its scope is too small."""
        refused = self.stage is Stage.ACCESS and self.outcome is Outcome.FAILED
        return refused and any(check.error_code == ErrorCode.INSUFFICIENT_SCOPE for check in self.failures)

    def learned(self, name: FactId, kind: type[_Value]) -> tuple[_Value, ...]:
        """Return the values of the facts of this name that are of the type `kind`, in order."""
        return tuple(f.value for f in self.facts if f.name == name and isinstance(f.value, kind))

    @property
    def failed_exchanges(self) -> frozenset[int]:
        """Which exchanges the stage failed at: the last one, except in a revocation, which goes on."""
        last = len(self.exchanges) - 1
        if self.outcome is not Outcome.FAILED or last < 0:
            is_broken = last >= 0 and self.exchanges[last].failure is not None
            return frozenset({last} if is_broken else ())
        if self.stage is not Stage.REVOKE:
            return frozenset({last})
        failed = self.failed_checks
        by_purpose = {exchange.purpose: number for number, exchange in enumerate(self.exchanges)}
        failed_numbers = {
            number for purpose, number in by_purpose.items() if REVOCATION_CHECKS.get(purpose) in failed
        }
        # If no check names one: the last request to the server. The call of the resource only verifies.
        others = (number for purpose, number in by_purpose.items() if purpose is not Purpose.ACCESS)
        return frozenset(failed_numbers or {max(others, default=last)})

    def failed_at(self, exchange: Exchange) -> bool:
        """Return whether the stage failed at this very exchange; a refused attack is no failure."""
        if self.refused_attack is not None:
            return False
        return any(self.exchanges[number] is exchange for number in self.failed_exchanges)

    @property
    def ends_login(self) -> bool:
        """Whether a login was finished with this record."""
        return self.stage is LOGIN_STAGES[-1] and self.outcome is Outcome.PASSED

    def count(self, severity: Severity) -> int:
        return sum(1 for check in self.checks if check.severity is severity)


def _error_type(record: StageRecord, check: Check) -> type[AuthlensError]:
    aside = _ASIDE.get(record.stage)
    deciding = [e for e in record.exchanges if e.purpose is not aside]
    last = deciding[-1] if deciding else None
    # The time of the whole login was over: what was under way at that moment is not why.
    if check.name == CheckId.LOGIN_TIMEOUT:
        return TimedOut
    # Before the check: that says only that the answer was unusable, the failure why there was none.
    if last is not None and last.failure is not None:
        return last.failure.error_type
    if check.name in _BY_CHECK:
        return _BY_CHECK[check.name]
    status = last.status if last is not None else None
    if status is None:
        return ServerMisconfigured
    if record.stage is Stage.DETECTION:
        # A 403 without a challenge comes from something that protects it and offers no login (RFC 9110
        # §15.5.4).
        if 200 <= status < 300:
            return NotProtected
        return Refused if status == 403 else ServerMisconfigured
    return Refused if record.stage in _REFUSES and 400 <= status < 500 else ServerMisconfigured


class RunningStage(Struct, frozen=True):
    """A stage that runs now: what it has exchanged so far, and the request that waits for its answer."""

    stage: Stage
    exchanges: tuple[Exchange, ...] = ()
    request: Request | None = None
    grant_type: GrantType | None = None


class Trace(Struct, frozen=True):
    """The record of one login, refresh, revocation or probe.

    Attributes:
        started_at: wall clock, UTC.
        records: every attempt at every stage, in the order in which they happened.
    """

    trace_id: str
    kind: TraceKind
    resource_url: str
    started_at: datetime
    records: tuple[StageRecord, ...] = ()

    @property
    def tampering(self) -> tuple[str, ...]:
        """Everything that was changed on purpose; what such a trace received is never kept."""
        return tuple(change for record in self.records for change in record.tampering)

    @property
    def grant_type(self) -> GrantType | None:
        """How the login got its tokens; of several ways, the last one that was tried."""
        return next((r.grant_type for r in reversed(self.records) if r.grant_type is not None), None)

    @property
    def flow(self) -> Flow:
        """The way to log in; if the trace names none, the one with the most stages."""
        return flow_of(self.grant_type)

    def with_record(self, record: StageRecord) -> Trace:
        return replace(self, records=(*self.records, record))

    def latest(self, stage: Stage) -> StageRecord | None:
        """Return the last attempt at `stage`, or None."""
        return next((r for r in reversed(self.records) if r.stage is stage), None)

    def undone(self, position: Stage | None) -> frozenset[int]:
        """Return the places of the records whose stage was run again since, or will be.

        Args:
            position: the stage to run next; None when all have passed.
        """
        # The first stage that was run, or will be, after the record that is looked at.
        first = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
        undone_records: set[int] = set()
        # Backwards: what came later decides what an earlier record still counts for.
        for number, record in reversed([*enumerate(self.records)]):
            # A refresh, a revocation or a probe undoes nothing of a login.
            if record.stage not in LOGIN_STAGES:
                continue
            turn = LOGIN_STAGES.index(record.stage)
            # An attempt that failed is where the login was, not something that was undone.
            if turn > first or (turn == first and record.outcome is Outcome.PASSED):
                undone_records.add(number)
            first = min(first, turn)
        return frozenset(undone_records)

    @property
    def honest_and_attacked(self) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The places of the login as it was before the first attack, and as it is with it.

        None if nothing was changed on purpose, or nothing was run before it was.
        """
        records = self.records
        first = next((number for number, record in enumerate(records) if record.tampering), 0)
        if not first:
            return None
        # An attack on a late stage begins with earlier, unchanged ones: they are not its result.
        end = next((number for number in range(first, 0, -1) if records[number - 1].ends_login), first)
        gone_before, gone = replace(self, records=records[:end]).undone(None), self.undone(None)
        honest = tuple(number for number in range(end) if number not in gone_before)
        return honest, tuple(number for number in range(len(records)) if number not in gone)


def sent_once(records: Sequence[StageRecord]) -> Iterator[tuple[int, int, Exchange]]:
    """Yield every exchange once, with the index of its record and its own index there.

    The record of a stage that the user continued despite a failed check begins with the exchanges of the
    attempt before it.
    """
    for index, record in enumerate(records):
        start = taken_over(records, index)
        for number, exchange in enumerate(record.exchanges[start:], start):
            yield index, number, exchange


def taken_over(records: Sequence[StageRecord], index: int) -> int:
    """Return how many exchanges the record at `index` has from the attempt before it, at its beginning."""
    before, record = records[index - 1] if index else None, records[index]
    if before is None or before.stage is not record.stage:
        return 0
    # By value: read from a file, they are not the same objects.
    count = len(before.exchanges)
    return count if record.exchanges[:count] == before.exchanges else 0
