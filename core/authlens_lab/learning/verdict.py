"""The verdict: which claims hold, by which rows, and which row came nearest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from authlens_core.trace.record import StageRecord, Trace, TraceKind
from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.claim import Claim, FieldOf, Loot, Operator, RowTest
from authlens_lab.learning.moves import LessonPhase
from authlens_lab.learning.row import EvidenceRow

MOST_STEPS = 100_000
"""Comparisons of a row with a claim. A phase of any lesson takes a few hundred."""


class Nearest(Struct, frozen=True):
    """The row that meets most of a claim's tests, and the fields of those that it does not meet."""

    row: EvidenceRow
    unmet: tuple[str, ...]


class ClaimVerdict(Struct, frozen=True):
    """The verdict on one claim; `nearest` is for one that does not hold, and has rows that come close."""

    claim: Claim
    holds: bool
    rows: tuple[EvidenceRow, ...] = ()
    nearest: Nearest | None = None


class TooManySteps(LessonRefused):
    """The claims of a lesson need more comparisons than a phase may."""

    def __init__(self) -> None:
        super().__init__("The claims of this lesson are too vague to be judged.")


def judge(
    claims: Sequence[Claim], rows: Sequence[EvidenceRow], loot: Mapping[str, str] | None = None
) -> tuple[ClaimVerdict, ...]:
    """Return a verdict for each claim, given rows in the order in which they happened.

    All claims have to hold together: a row that an earlier claim chose is tried again with another one. Of
    those that do not, the first one that no choice meets is the one that failed; those after it are open.

    Args:
        loot: the credentials that the learner holds, by name.

    Raises:
        TooManySteps: the claims are too many, or too vague.
    """
    search = _Search(claims, rows, loot or {})
    search.run()
    return tuple(search.verdicts())


class _Search(Struct):
    """A backtracking search for the rows that meet all claims together."""

    claims: Sequence[Claim]
    rows: Sequence[EvidenceRow]
    loot: Mapping[str, str]
    chosen: list[tuple[int, ...]] = []
    best: list[tuple[int, ...]] = []
    steps: int = 0

    def run(self) -> bool:
        """Return whether the remaining claims can hold with the rows chosen so far."""
        if len(self.chosen) >= len(self.best):
            self.best = list(self.chosen)
        if len(self.chosen) == len(self.claims):
            return True
        for choice in self._choices(self.claims[len(self.chosen)]):
            self.chosen.append(choice)
            if self.run():
                return True
            self.chosen.pop()
        return False

    def _choices(self, claim: Claim) -> Iterator[tuple[int, ...]]:
        meeting = [index for index in range(len(self.rows)) if not self._unmet(claim, index)]
        if claim.name:
            yield from ((index,) for index in meeting)
        elif len(meeting) >= claim.count and not (meeting and claim.count == 0):
            yield tuple(meeting[: claim.count])

    def _unmet(self, claim: Claim, index: int) -> tuple[str, ...]:
        """Return the fields, or relations, that keep a row from meeting a claim."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooManySteps
        row = self.rows[index]
        if row.source is not claim.source:
            return ("source",)
        each = ([test.field for test in tests if not self._meets(test, row)] for tests in claim.alternatives)
        unmet = min(each, key=len)
        if claim.after and index <= self._row_of(claim.after):
            unmet.append(f"after {claim.after}")
        if claim.before and index >= self._row_of(claim.before):
            unmet.append(f"before {claim.before}")
        return tuple(unmet)

    def _row_of(self, name: str) -> int:
        """Return the row that an earlier claim named."""
        choices = zip(self.claims, self.chosen, strict=False)
        return next(rows[0] for claim, rows in choices if claim.name == name)

    def _meets(self, test: RowTest, row: EvidenceRow) -> bool:
        actual = row.values.get(test.field)
        if test.operator is Operator.ABSENT:
            return actual is None
        if actual is None or test.operator is Operator.PRESENT:
            return actual is not None
        value: object = test.value
        if isinstance(test.value, FieldOf):  # None, which no field is, for a value that is not there
            value = self.rows[self._row_of(test.value.row)].values.get(test.value.field)
        elif isinstance(test.value, Loot):
            value = self.loot.get(test.value.name)
        if test.operator is Operator.IN:
            return isinstance(value, tuple) and actual in value
        if test.operator is Operator.HAS:
            return str(value) in str(actual).split()
        return value == actual if test.operator is Operator.IS else value != actual

    def verdicts(self) -> Iterator[ClaimVerdict]:
        """Yield a verdict for each claim, after a run."""
        self.chosen, self.steps = self.best, 0
        for number, claim in enumerate(self.claims):
            if number < len(self.best):
                rows = tuple(self.rows[index] for index in self.best[number])
                yield ClaimVerdict(claim, holds=True, rows=rows)
            elif number == len(self.best):
                yield self._failure(claim)
            else:
                yield ClaimVerdict(claim, holds=False)

    def _failure(self, claim: Claim) -> ClaimVerdict:
        same = [index for index, row in enumerate(self.rows) if row.source is claim.source]
        by_index = {index: self._unmet(claim, index) for index in same}
        against = tuple(self.rows[index] for index, unmet in by_index.items() if not unmet)
        if claim.count == 0 or not by_index:
            return ClaimVerdict(claim, holds=False, rows=against)
        index = min(by_index, key=lambda one: len(by_index[one]))
        return ClaimVerdict(claim, holds=False, nearest=Nearest(self.rows[index], by_index[index]))


def confirmed(
    options: Mapping[str, Sequence[Claim]],
    rows: Sequence[EvidenceRow],
    loot: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Return the options whose claims hold, each with the last arrow that shows it; see `judge`."""
    verdicts = {letter: judge(claims, rows, loot) for letter, claims in options.items()}
    return {
        letter: max((row.arrow for one in each for row in one.rows), default=0)
        for letter, each in verdicts.items()
        if all(one.holds for one in each)
    }


class PhaseVerdict(Struct, frozen=True):
    """The verdict on one phase.

    Attributes:
        begun: whether a move of it was made.
        claims: the verdict on each of its claims; none where it is not judged by claims.
        honest: whether an honest login works after the repair; None before one was tried.
    """

    phase: LessonPhase
    passed: bool
    begun: bool = True
    claims: tuple[ClaimVerdict, ...] = ()
    honest: bool | None = None


def trace_of(records: Sequence[StageRecord], url: str = "") -> Trace:
    """Return everything that was sent as one trace; it has secrets."""
    started_at = records[0].started_at if records else datetime.now(UTC)
    return Trace(secrets.token_hex(8), TraceKind.LOGIN, url, started_at, records=tuple(records))
