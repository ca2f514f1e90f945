"""The trace: everything that happened, as stages made of exchanges, checks and facts.

Every view (wizard, diagram, export, replay) is a function of these values, which never change once made. A
fact is what a stage learned; its text is made by `fact_text`, where it is shown.
"""

# ruff: noqa: S105 - names of facts, not secrets

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from authlens_core.trace.flow import AUTHORIZATION_CODE, Flow, UserPart, flow_of
from authlens_core.values.check import Check, CheckId, Diagnosis, ErrorCode, Severity, failures
from authlens_core.values.exchange import Exchange, Purpose, Request, Response
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.stage import LOGIN_STAGES, GrantType, Outcome, Stage, TraceKind

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
    "Secret",
    "Severity",
    "Stage",
    "StageRecord",
    "Trace",
    "TraceKind",
    "UserPart",
    "decisive",
    "fact_text",
    "flow_of",
    "honest_and_attacked",
    "is_absent",
    "is_last",
    "sent_once",
    "taken_over",
    "undone",
]

# A tuple is a list of the specification, such as scopes; None where the answer does not have the member.
FactValue: TypeAlias = str | Secret | int | timedelta | datetime | tuple[str, ...] | None


class FactId(StrEnum):
    """The name of a fact, as its specification spells it; the parameters of a link may have any other."""

    ACCESS_TOKEN = "access_token"
    ANSWER = "answer"
    ANSWERED_BY = "answered by"
    AUTHORIZATION_ENDPOINT = "authorization_endpoint"
    AUTHORIZATION_SERVERS = "authorization_servers"
    CF_RAY = "CF-Ray"
    CLIENT_ID = "client_id"
    CLIENT_SECRET = "client_secret"
    CODE = "code"
    CODE_CHALLENGE = "code_challenge"
    CODE_CHALLENGE_METHOD = "code_challenge_method"
    CODE_CHALLENGE_METHODS_SUPPORTED = "code_challenge_methods_supported"
    CODE_VERIFIER = "code_verifier"
    CREDENTIAL = "credential"
    DEVICE_CODE = "device_code"
    ASSERTION_SOURCE = "assertion_source"
    DPOP_JKT = "dpop_jkt"
    DPOP_PRIVATE_KEY = "DPoP private key"
    EVIDENCE = "evidence"
    EXPIRES_AT = "expires at"
    EXPIRES_IN = "expires_in"
    GENERATION = "generation"
    GRANT_TYPES_SUPPORTED = "grant_types_supported"
    ID_TOKEN = "id_token"
    INTERVAL = "interval"
    ISSUER = "issuer"
    KIND_OF_RESOURCE = "kind of resource"
    NONCE = "nonce"
    PROTECTED_BY = "protected by"
    REDIRECT_URIS = "redirect_uris"
    REFRESH_TOKEN = "refresh_token"
    REGISTRATION_ENDPOINT = "registration_endpoint"
    REQUEST_URI = "request_uri"
    RESOURCE = "resource"
    RESOURCE_METADATA = "resource_metadata"
    REVOCATION_ENDPOINT = "revocation_endpoint"
    SCOPE = "scope"
    SCOPE_WANTED = "scope wanted"
    SCOPES_SUPPORTED = "scopes_supported"
    SENT_BY = "sent by"
    STATE = "state"
    STATUS = "status"
    TOKEN_ENDPOINT = "token_endpoint"
    TOKEN_ENDPOINT_AUTH_METHOD = "token_endpoint_auth_method"
    TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED = "token_endpoint_auth_methods_supported"
    TOKEN_TYPE = "token_type"
    USER_CODE = "user_code"
    VERIFICATION_URI = "verification_uri"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a stage learned.

    Attributes:
        name: a `FactId`; text from outside for a parameter that only the link has.
        value: a `Secret` where it is one; text may come from outside.
    """

    name: str
    value: FactValue
    spec: str = ""
    note: str = ""


# A token without an expiry is ordinary (RFC 6749 §5.1), so the words for it are, too.
_WITHOUT_VALUE: Final[Mapping[str, str]] = {
    FactId.EXPIRES_AT: "no expiry given",
    FactId.EXPIRES_IN: "no expiry given",
}


def is_absent(fact: Fact) -> bool:
    """Say whether the answer lacks the member, and nothing can be said of that."""
    return fact.value is None and fact.name not in _WITHOUT_VALUE


def fact_text(fact: Fact) -> str:
    """Return the value of `fact` as it is shown, a secret as its mask; not yet safe for a terminal."""
    match fact.value:
        case None:
            return _WITHOUT_VALUE.get(fact.name, "absent")
        case Secret():
            return fact.value.masked
        case timedelta():
            return f"{fact.value.total_seconds():.0f} s"
        case datetime():
            return fact.value.isoformat(sep=" ", timespec="seconds")
        case tuple():
            return " ".join(fact.value)
        case _:
            return f"{fact.value}"


_Value = TypeVar("_Value")
# The checks that judge the two requests of a revocation.
REVOCATION_CHECKS: Final[Mapping[Purpose, CheckId]] = {
    Purpose.REVOKE_ACCESS_TOKEN: CheckId.REVOKE_ACCESS_TOKEN,
    Purpose.REVOKE_REFRESH_TOKEN: CheckId.REVOKE_REFRESH_TOKEN,
}

# RFC 6749 §5.2 has the first for it, but servers that forgot a client answer with the second, too.
_UNKNOWN_CLIENT: Final = frozenset({ErrorCode.INVALID_CLIENT, ErrorCode.UNAUTHORIZED_CLIENT})
_OUT_OF_TIME: Final = frozenset(
    {CheckId.AUTHORIZATION_TIMEOUT, CheckId.DEVICE_TIMEOUT, CheckId.LOGIN_TIMEOUT}
)


@dataclass(frozen=True, slots=True)
class StageRecord:
    """One attempt at one stage.

    Attributes:
        tampering: what the user changed in it on purpose, each in a few words of ours; empty if the stage
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
        return any(check.name == CheckId.AUTHORIZATION_TIMEOUT for check in self.failures)

    @property
    def ran_out_of_time(self) -> bool:
        """Whether a login ended because the time was over that it, or the user in it, was given."""
        return any(check.name in _OUT_OF_TIME for check in self.failures)

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
        failed = {check.name for check in self.failures}
        by_purpose = {exchange.purpose: number for number, exchange in enumerate(self.exchanges)}
        named = {number for purpose, number in by_purpose.items() if REVOCATION_CHECKS.get(purpose) in failed}
        # If no check names one: the last request to the server. The call of the resource only verifies.
        others = (number for purpose, number in by_purpose.items() if purpose is not Purpose.ACCESS)
        return frozenset(named or {max(others, default=last)})

    def failed_at(self, exchange: Exchange) -> bool:
        """Return whether the stage failed at this very exchange; a refused attack is no failure."""
        if any(check.judges_attack and check.severity is Severity.PASS for check in self.checks):
            return False
        return any(self.exchanges[number] is exchange for number in self.failed_exchanges)

    def count(self, severity: Severity) -> int:
        return sum(1 for check in self.checks if check.severity is severity)


@dataclass(frozen=True, slots=True)
class Trace:
    """The record of one login, refresh, revocation or probe.

    Attributes:
        started_at: wall clock, UTC.
        records: every attempt at every stage, in the order in which they happened.
    """

    trace_id: str
    kind: TraceKind
    resource_url: str
    started_at: datetime
    records: tuple[StageRecord, ...] = field(default_factory=tuple)

    @property
    def tampering(self) -> tuple[str, ...]:
        """Everything that was changed on purpose; what such a trace received is never kept."""
        return tuple(words for record in self.records for words in record.tampering)

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


def sent_once(records: Sequence[StageRecord]) -> Iterator[tuple[int, int, Exchange]]:
    """Yield every exchange once, with the index of its record and its own index there.

    The record of a stage that the user continued despite a failed check begins with the exchanges of the
    attempt before it.
    """
    for index, record in enumerate(records):
        known = taken_over(records, index)
        for number, exchange in enumerate(record.exchanges[known:], known):
            yield index, number, exchange


def taken_over(records: Sequence[StageRecord], index: int) -> int:
    """Return how many exchanges the record at `index` has from the attempt before it, at its beginning."""
    before, record = records[index - 1] if index else None, records[index]
    if before is None or before.stage is not record.stage:
        return 0
    # By value: read from a file, they are not the same objects.
    known = len(before.exchanges)
    return known if record.exchanges[:known] == before.exchanges else 0


def decisive(stage: Stage, exchanges: Sequence[Exchange]) -> Exchange | None:
    """Return the exchange that decided a stage: the last, unless a later one only looked for documents."""
    if stage is Stage.DETECTION:
        # A 404 for the metadata says nothing of what protects the resource.
        return next((e for e in reversed(exchanges) if e.purpose is not Purpose.RESOURCE_METADATA), None)
    # The last exchange of a revocation is the call that verifies it, and 401 is what is wanted there.
    if stage is Stage.REVOKE:
        refused = (e for e in exchanges if (e.status or 0) >= 400)
        return next((e for e in refused if e.purpose.revokes), None)
    return exchanges[-1] if exchanges else None


def undone(records: Sequence[StageRecord], position: Stage | None) -> frozenset[int]:
    """Return the places of the records whose stage was run again since, or will be.

    Args:
        records: every attempt at every stage, in order.
        position: the stage to run next; None when all have passed.
    """
    # The first stage that was run, or will be, after the record that is looked at.
    first = len(LOGIN_STAGES) if position is None else LOGIN_STAGES.index(position)
    undone_records: set[int] = set()
    # Backwards: what came later decides what an earlier record still counts for.
    for number in range(len(records) - 1, -1, -1):
        record = records[number]
        # A refresh, a revocation or a probe undoes nothing of a login.
        if record.stage not in LOGIN_STAGES:
            continue
        turn = LOGIN_STAGES.index(record.stage)
        # An attempt that failed is where the login was, not something that was undone.
        if turn > first or (turn == first and record.outcome is Outcome.PASSED):
            undone_records.add(number)
        first = min(first, turn)
    return frozenset(undone_records)


def honest_and_attacked(records: Sequence[StageRecord]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Return the places of the login as it was before the first attack, and as it is with it.

    None if nothing was changed on purpose, or nothing was run before it was.
    """
    first = next((number for number, record in enumerate(records) if record.tampering), 0)
    if not first:
        return None
    # An attack on a late stage begins with earlier ones, sent as ever: they are not its result.
    ends = (number for number in range(first, 0, -1) if is_last(records[number - 1]))
    end = next(ends, first)
    gone_before, gone = undone(records[:end], None), undone(records, None)
    honest = tuple(number for number in range(end) if number not in gone_before)
    return honest, tuple(number for number in range(len(records)) if number not in gone)


def is_last(record: StageRecord) -> bool:
    """Return whether a login was finished with this record."""
    return record.stage is LOGIN_STAGES[-1] and record.outcome is Outcome.PASSED
