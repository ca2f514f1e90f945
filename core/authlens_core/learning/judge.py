"""The verdict on a phase: which claims hold, by which rows, and what came nearest to one that does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from authlens_core.learning.claim import Claim, FieldOf, Loot, Operator, RowTest
from authlens_core.learning.row import EvidenceRow
from authlens_core.values.quick_dataclass import dataclass

MOST_STEPS = 100_000
"""Comparisons of a row with a claim. A phase of any lesson takes a few hundred."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The row that meets most of a claim's tests, and the fields of those that it does not meet."""

    row: EvidenceRow
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The verdict on one claim; `nearest` is for one that does not hold, and has rows that come close."""

    claim: Claim
    holds: bool
    rows: tuple[EvidenceRow, ...] = ()
    nearest: Nearest | None = None


class TooManySteps(Exception):
    """The claims of a lesson need more comparisons than a phase may."""


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
    search.run(0)
    return search.verdicts()


@dataclass(slots=True)
class _Search:
    claims: Sequence[Claim]
    rows: Sequence[EvidenceRow]
    loot: Mapping[str, str]
    bound: dict[str, int] = field(default_factory=dict)
    chosen: list[tuple[int, ...]] = field(default_factory=list)
    best: list[tuple[int, ...]] = field(default_factory=list)
    best_bound: dict[str, int] = field(default_factory=dict)
    steps: int = 0

    def run(self, number: int) -> bool:
        """Return whether the claims from `number` on can hold with the rows that are chosen."""
        if len(self.chosen) >= len(self.best):
            self.best, self.best_bound = list(self.chosen), dict(self.bound)
        if number == len(self.claims):
            return True
        claim = self.claims[number]
        meeting = [index for index in range(len(self.rows)) if not self._unmet(claim, index)]
        if claim.count == 0:
            return not meeting and self._go_on(number, (), None)
        if len(meeting) < claim.count:
            return False
        if not claim.named:
            return self._go_on(number, tuple(meeting[: claim.count]), None)
        return any(self._go_on(number, (index,), index) for index in meeting)

    def _go_on(self, number: int, rows: tuple[int, ...], index: int | None) -> bool:
        claim = self.claims[number]
        if index is not None:
            self.bound[claim.named] = index
        self.chosen.append(rows)
        if self.run(number + 1):
            return True
        self.chosen.pop()
        self.bound.pop(claim.named, None)
        return False

    def _unmet(self, claim: Claim, index: int) -> tuple[str, ...]:
        """Return the fields, or relations, that keep a row from meeting a claim."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TooManySteps
        row = self.rows[index]
        if row.source is not claim.source:
            return ("source",)
        unmet = [test.field for test in claim.tests if not self._meets(test, row)]
        if claim.after and index <= self.bound[claim.after]:
            unmet.append(f"after {claim.after}")
        if claim.before and index >= self.bound[claim.before]:
            unmet.append(f"before {claim.before}")
        return tuple(unmet)

    def _meets(self, test: RowTest, row: EvidenceRow) -> bool:
        seen = row.values.get(test.field)
        if test.operator is Operator.ABSENT:
            return seen is None
        if seen is None:
            return False
        match test.operator:
            case Operator.PRESENT:
                return True
            case Operator.IN:
                return isinstance(test.value, tuple) and seen in test.value
            case Operator.HAS:
                return str(self._value(test)) in str(seen).split()
            case Operator.IS_NOT:
                return self._value(test) != seen
        return self._value(test) == seen

    def _value(self, test: RowTest) -> object:
        """Return what a field is compared with; None, which no field is, for a value that is not there."""
        match test.value:
            case FieldOf(row, name):
                return self.rows[self.bound[row]].values.get(name)
            case Loot(name):
                return self.loot.get(name)
        return test.value

    def verdicts(self) -> tuple[ClaimVerdict, ...]:
        self.bound, self.steps = self.best_bound, 0
        done = len(self.best)
        made = [
            ClaimVerdict(claim, holds=True, rows=tuple(self.rows[index] for index in chosen))
            for claim, chosen in zip(self.claims, self.best, strict=False)
        ]
        if done < len(self.claims):
            made.append(self._failed(self.claims[done]))
        made += [ClaimVerdict(claim, holds=False) for claim in self.claims[done + 1 :]]
        return tuple(made)

    def _failed(self, claim: Claim) -> ClaimVerdict:
        same = [index for index, row in enumerate(self.rows) if row.source is claim.source]
        by_index = {index: self._unmet(claim, index) for index in same}
        against = tuple(self.rows[index] for index, unmet in by_index.items() if not unmet)
        if claim.count == 0 or not by_index:
            return ClaimVerdict(claim, holds=False, rows=against)
        index = min(by_index, key=lambda one: len(by_index[one]))
        return ClaimVerdict(claim, holds=False, nearest=Nearest(self.rows[index], by_index[index]))
