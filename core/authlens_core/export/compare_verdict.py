"""How two traces compare in one sentence: where they part, and what each side got there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from authlens_core.trace.record import Outcome, Stage, StageRecord, decisive
from authlens_core.values.quick_dataclass import dataclass

_RECEIVED: Final[Mapping[Stage, str]] = {
    Stage.REGISTRATION: "a client ID",
    Stage.AUTHORIZATION: "a code",
    Stage.EXCHANGE: "tokens",
    Stage.REFRESH: "tokens",
}
Pair = tuple[StageRecord | None, StageRecord | None]


class VerdictKind(StrEnum):
    """How two traces compare."""

    SAME = "same"
    """Nothing differs but what is new in every run."""
    ELSEWHERE = "elsewhere"
    """Only the kind of trace, the resource or an address differs."""
    DETAILS = "details"
    """Each stage ended in the same way on both sides, and yet not all is equal."""
    PARTED = "parted"
    """A stage ended differently, or only one side has it."""


@dataclass(frozen=True, slots=True)
class SideResult:
    """What one side got in the stage in which the two part.

    Attributes:
        outcome: None where the side does not have this stage.
        error_code: the OAuth error code of the answer, or empty.
        status: of the answer that decided the stage; None if there was none.
    """

    stage: Stage
    outcome: Outcome | None = None
    error_code: str = ""
    status: int | None = None

    @property
    def words(self) -> str:
        """What the side did, as the rest of a sentence."""
        match self.outcome:
            case None:
                return "did not get there"
            case Outcome.CANCELLED:
                return "was cancelled"
            case Outcome.FAILED if self.error_code:
                return f"got {self.error_code}"
            case Outcome.FAILED:
                return "failed" if self.status is None else f"failed after a {self.status}"
        if self.stage in _RECEIVED:
            return f"got {_RECEIVED[self.stage]}"
        return "passed" if self.status is None else f"passed with {self.status}"


@dataclass(frozen=True, slots=True)
class ComparisonVerdict:
    """Where two traces part, and how.

    Attributes:
        title: of the first stage that differs, with its number; empty where none does.
        left: what side A got there; None unless the two parted.
        right: the same for side B.
        equal_before: false if earlier stages differ, too, although they ended in the same way.
        at_start: true if it is the first stage of both.
    """

    kind: VerdictKind
    title: str = ""
    left: SideResult | None = None
    right: SideResult | None = None
    equal_before: bool = True
    at_start: bool = False

    @property
    def sentence(self) -> str:
        match self.kind:
            case VerdictKind.SAME:
                return "No differences."
            case VerdictKind.ELSEWHERE:
                return "The same, for another resource or at another address."
            case VerdictKind.DETAILS:
                return f"Both ended the same way. They differ first in {self.title}."
        same = "Same" if self.equal_before else "Same results"
        place = f"Different from the start, {self.title}" if self.at_start else f"{same} until {self.title}"
        sides = (f"{name} {side.words}" for name, side in (("A", self.left), ("B", self.right)) if side)
        return f"{place}. {'; '.join(sides)}."


def verdict_of(stages: Sequence[tuple[str, Pair, bool]], *, about_differs: bool) -> ComparisonVerdict:
    """Return the verdict on stages in the order in which they happened.

    Args:
        stages: the title of each, the records of both sides, and whether something differs that need not.
        about_differs: whether the traces as a whole differ in kind, resource or address.
    """
    first = next((number for number, (_, _, differs) in enumerate(stages) if differs), None)
    if first is None:
        return ComparisonVerdict(VerdictKind.ELSEWHERE if about_differs else VerdictKind.SAME)
    for number, (title, records, _) in enumerate(stages):
        left, right = (_result(record, _stage_of(records)) for record in records)
        if (left.outcome, left.error_code) != (right.outcome, right.error_code):
            return ComparisonVerdict(VerdictKind.PARTED, title, left, right, number <= first, number == 0)
    return ComparisonVerdict(VerdictKind.DETAILS, stages[first][0])


def _stage_of(records: Pair) -> Stage:
    return next(record.stage for record in records if record is not None)


def _result(record: StageRecord | None, stage: Stage) -> SideResult:
    if record is None:
        return SideResult(stage)
    last = decisive(record.stage, record.exchanges)
    status = last.response.status if last is not None and last.response is not None else None
    codes = (check.error_code for check in record.failures if check.error_code)
    return SideResult(stage, record.outcome, next(codes, ""), status)
