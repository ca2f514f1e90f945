"""What refresh, revoke and probe have in common: a trace of one record, and a grant whose lock is held."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from authlens_core.access.diagnosis import Diagnosis
from authlens_core.credentials.records.grant import Grant, GrantSecrets
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.oauth.check import Check, failed
from authlens_core.trace.echoes import without_echoes
from authlens_core.trace.record import Fact, Outcome, Stage, StageRecord, Trace, TraceKind
from authlens_core.trace.stage_diagnosis import diagnosis_of
from authlens_core.wire.client import Wire
from authlens_core.wire.exchange import Exchange


@dataclass(slots=True)
class RecordBuilder:
    """Collects what happened, in the order in which it happened, and makes a trace of it."""

    stage: Stage
    resource_url: str
    started_at: datetime
    exchanges: list[Exchange] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    diagnosis: Diagnosis | None = None

    def trace(self, *, passed: bool) -> Trace:
        elapsed = sum(exchange.elapsed for exchange in self.exchanges)
        found = self.diagnosis
        if found is None and not passed:
            found = diagnosis_of(self.stage, self.checks, self.exchanges)
        record = StageRecord(
            self.stage,
            Outcome.PASSED if passed else Outcome.FAILED,
            self.started_at,
            elapsed,
            tuple(self.exchanges),
            tuple(self.checks),
            tuple(self.facts),
            diagnosis=found,
        )
        identifier, kind = secrets.token_hex(8), TraceKind(self.stage.value)
        return Trace(identifier, kind, self.resource_url, self.started_at, (without_echoes(record),))

    def failed(
        self, name: str, expected: str, seen: str, *, why: str = "", spec: str = "", cure: str = ""
    ) -> None:
        self.checks.append(failed(name, expected, seen, why=why, spec=spec, cure=cure))


@dataclass(eq=False)
class LockedGrant:
    """A grant and its tokens, read under its lock, and the record of what is done with them."""

    stage: ClassVar[Stage]
    credentials: Credentials
    wire: Wire
    grant: Grant
    secrets: GrantSecrets
    now: Callable[[], datetime]
    record: RecordBuilder = field(init=False)

    def __post_init__(self) -> None:
        self.record = RecordBuilder(self.stage, self.grant.resource_url, self.now())
