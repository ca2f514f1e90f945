"""The verdict on an attempt at a lesson, as values and as the JSON that `learn run` prints."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import field
from datetime import UTC, datetime
from typing import Any, Final

from authlens_core.emulator.ledger import LedgerEvent
from authlens_core.export.session_file import session_json
from authlens_core.learning.judge import ClaimVerdict
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase
from authlens_core.learning.row import WORDS, EvidenceRow, SeatedTrace
from authlens_core.trace.record import Trace, TraceKind
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class PhaseVerdict:
    """The verdict on one phase.

    Attributes:
        begun: whether a move of it was made.
        claims: the verdict on each of its claims; none where it is not judged by claims.
        honest: whether an honest login works after the repair; None before one was tried.
        wants_honest: whether one has to work.
    """

    phase: LessonPhase
    passed: bool
    begun: bool = True
    claims: tuple[ClaimVerdict, ...] = ()
    honest: bool | None = None
    wants_honest: bool = False


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The verdict on an attempt.

    Attributes:
        option: the prediction; empty without one.
        held: the options that the moves bore out.
        missed: the questions that were answered wrong.
        unshown: the questions whose answer no row of these moves shows, though the lesson says that one does.
        traces: what the moves sent, with secrets: mask it before it leaves the process.
        events: what the servers saw, with secrets.
    """

    lesson: CourseLesson
    seed: int
    option: str
    held: tuple[str, ...]
    right_answers: int
    missed: tuple[str, ...]
    phases: tuple[PhaseVerdict, ...]
    traces: tuple[SeatedTrace, ...] = field(repr=False)
    events: tuple[LedgerEvent, ...] = field(repr=False, default=())
    unshown: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return all(phase.passed for phase in self.phases)

    @property
    def ledger_digest(self) -> str:
        """A digest of what the servers saw: the same moves give the same one under the same seed.

        Codes are in it, because the seed makes them. Ports, times and signed tokens are not.
        """
        seen = [
            (event.what.value, event.seat, event.user, event.at, event.reason, event.scope, event.code)
            for event in self.events
        ]
        return f"sha256:{hashlib.sha256(json.dumps([self.seed, seen]).encode()).hexdigest()}"

    def trace(self) -> Trace:
        """Return everything that the moves sent, as one trace; it has secrets."""
        return joined(self.traces)

    def session(self) -> str:
        """Return the trace as a session file, in which secrets are replaced by fingerprints."""
        return session_json(self.trace())

    def as_json(self) -> dict[str, Any]:
        """Return it without a credential and without the right answers."""
        return {
            "lesson": self.lesson.name,
            "version": self.lesson.version,
            "digest": self.lesson.digest,
            "seed": self.seed,
            "passed": self.passed,
            "predicted": {
                "option": self.option or None,
                "held": self.held[0] if len(self.held) == 1 else None,
            },
            "questions": f"{self.right_answers}/{QUESTIONS}",
            "missed": self.missed,
            "phases": [_phase(verdict) for verdict in self.phases],
        }


def joined(moves: Sequence[SeatedTrace]) -> Trace:
    """Return everything that moves sent as one trace; it has secrets."""
    records = tuple(record for move in moves for record in move.trace.records)
    started_at = records[0].started_at if records else datetime.now(UTC)
    url = moves[0].trace.resource_url if moves else ""
    return Trace(secrets.token_hex(8), TraceKind.LOGIN, url, started_at, records)


def _phase(verdict: PhaseVerdict) -> dict[str, Any]:
    entry: dict[str, Any] = {"phase": verdict.phase.value, "passed": verdict.passed}
    if verdict.claims:
        entry["claims"] = [_claim(claim) for claim in verdict.claims]
    if verdict.honest is not None:
        entry["honest_login"] = verdict.honest
    return entry


def _claim(verdict: ClaimVerdict) -> dict[str, Any]:
    nearest = verdict.nearest
    return {
        "line": verdict.claim.line,
        "holds": verdict.holds,
        "text": verdict.claim.text,
        "rows": [shown(row) for row in verdict.rows],
        "nearest": None if nearest is None else {**shown(nearest.row), "unmet": list(nearest.unmet)},
    }


# A value that is not one of a few words may be a credential, or hold one.
_PLAIN: Final = frozenset({"status"})


def shown(row: EvidenceRow) -> dict[str, Any]:
    """Return the fields of a row that can have only a few values, and its arrow; to diagnose is a move."""
    words = WORDS[row.source]
    plain = {
        name: row.values[name]
        for name, known in words.items()
        if name in row.values and (known or name in _PLAIN) and name != "diagnosis"
    }
    arrow = {"arrow": row.arrow} if row.arrow else {}
    return {"source": row.source.value, **arrow, **plain}
