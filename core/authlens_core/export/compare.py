"""Two traces, or two runs of one, side by side: only what differs, stage by stage.

Both are compared without their secrets; the fingerprints in the masks still show whether two secrets are the
same. What is new in every run (a state, a code, a token, the date of an answer) has to differ and is listed
apart from what need not. An address that differs in every URL is one difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.export.record_fields import (
    OUTCOME,
    Fields,
    Renamed,
    client_ids,
    differs_in_every_run,
    fields_of,
    group_of,
    moved,
    title_of,
)
from authlens_core.export.redaction import redacted_trace
from authlens_core.trace.failure_reason import decisive
from authlens_core.trace.record import Outcome, Stage, StageRecord, Trace
from authlens_core.values.check import Severity

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


class SideResult(Struct, frozen=True):
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
                return "ended before it"
            case Outcome.CANCELLED:
                return "was cancelled"
            case Outcome.FAILED if self.error_code:
                return f"got {self.error_code}"
            case Outcome.FAILED:
                return "failed" if self.status is None else f"failed after a {self.status}"
        if self.stage in _RECEIVED:
            return f"got {_RECEIVED[self.stage]}"
        return "passed" if self.status is None else f"passed with {self.status}"


class ComparisonVerdict(Struct, frozen=True):
    """Where two traces part, and how.

    Attributes:
        title: of the first stage that differs, with its number; empty where none does.
        a: what side A got there; None unless the two parted.
        b: the same for side B.
        equal_before: false if earlier stages also differ, although they ended in the same way.
        at_start: true if it is the first stage of both.
    """

    kind: VerdictKind
    title: str = ""
    a: SideResult | None = None
    b: SideResult | None = None
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
        parting = f"Different from the start, {self.title}" if self.at_start else f"{same} until {self.title}"
        sides = (f"{name} {side.words}" for name, side in (("A", self.a), ("B", self.b)) if side)
        return f"{parting}. {'; '.join(sides)}."


_Key = TypeVar("_Key", bound=Hashable)
_FAR: Final = 1 << 30  # a place behind every other


class Difference(Struct, frozen=True):
    """One field that is not the same; None where a side does not have it.

    Attributes:
        title: what the field is, in words; its name if empty.
        severities: how each side's check came out; None if the field is not a check.
    """

    name: str
    a: str | None
    b: str | None
    title: str = ""
    severities: tuple[Severity | None, Severity | None] = (None, None)


class StageComparison(Struct, frozen=True):
    """One attempt at a stage on both sides.

    Attributes:
        turn: which attempt at it, counted from 1.
        differences: what need not differ and does.
        expected: what is new in every run.
        title: of the stage in this login, with its number and attempt.
        outcomes: how it ended on each side; None where the side does not have it.
    """

    stage: Stage
    turn: int
    differences: tuple[Difference, ...] = ()
    expected: tuple[Difference, ...] = ()
    title: str = ""
    outcomes: tuple[Outcome | None, Outcome | None] = (None, None)

    @property
    def beside_outcome(self) -> tuple[Difference, ...]:
        """The differences without that of how it ended."""
        return tuple(each for each in self.differences if each.name != OUTCOME)


class Comparison(Struct, frozen=True):
    """The result of comparing two traces.

    Attributes:
        about: what differs of the traces as a whole: their kind, their resource.
        stages: every stage of either side, in the order in which they happened; an equal one has no
            differences.
    """

    about: tuple[Difference, ...] = ()
    stages: tuple[StageComparison, ...] = ()
    verdict: ComparisonVerdict = ComparisonVerdict(VerdictKind.SAME)

    @property
    def same(self) -> bool:
        """True when nothing differs but what has to."""
        return not self.about and not any(stage.differences for stage in self.stages)


def compare(a: Trace, b: Trace) -> Comparison:
    """Return what differs between two traces, their secrets masked.

    The first attempt at a stage is held against the first one of the other side, and so on. A stage that
    only one side has is one difference, not all of its fields.
    """
    redacted_a, redacted_b = redacted_trace(a), redacted_trace(b)
    about = _differing(
        {"kind": redacted_a.kind.value, "resource": redacted_a.resource_url},
        {"kind": redacted_b.kind.value, "resource": redacted_b.resource_url},
    )
    turns = _turns(redacted_a.records, redacted_b.records)
    both = [(a, b) for a, b in (turn.fields for turn in turns) if a and b]
    addresses = moved(
        (a[name], b[name]) for a, b in both for name in _in_order(a, b) if name in a and name in b
    )
    clients = [pair for a, b in both for pair in client_ids(a, b)]
    renamed = Renamed.of(clients), Renamed.of([*addresses, *clients])
    stages = tuple(_stage(turn, *renamed) for turn in turns)
    about = [difference for difference in about if not _is_only(difference, renamed[1])]
    about += [Difference("address, throughout", *pair, "Address") for pair in addresses]
    verdict = _verdict(turns, stages, about_differs=bool(about))
    return Comparison(tuple(about), stages, verdict)


class _Turn(Struct, frozen=True):
    """One attempt at a stage, as each side has it."""

    stage: Stage
    number: int
    records: Pair
    fields: tuple[Fields | None, Fields | None]


def _turns(a: Sequence[StageRecord], b: Sequence[StageRecord]) -> list[_Turn]:
    sides = _by_turn(a), _by_turn(b)
    turns = []
    for key in _in_order(*sides):
        records = sides[0].get(key), sides[1].get(key)
        fields = [None if record is None else fields_of(record) for record in records]
        turns.append(_Turn(*key, records, (fields[0], fields[1])))
    return turns


def _by_turn(records: Sequence[StageRecord]) -> dict[tuple[Stage, int], StageRecord]:
    by_turn: dict[tuple[Stage, int], StageRecord] = {}
    turns: Counter[Stage] = Counter()
    for record in records:
        turns[record.stage] += 1
        # By turn within the stage: one login may have tried a stage twice, and the other once.
        by_turn[record.stage, turns[record.stage]] = record
    return by_turn


def _in_order(a: Iterable[_Key], b: Iterable[_Key]) -> list[_Key]:
    """Return the keys of both sides in an order that does not depend on which side is which."""
    orders = [{key: position for position, key in enumerate(side)} for side in (a, b)]

    def position(key: _Key) -> tuple[int, int, str]:
        # Sorted, so that A compared with B lists the same as B with A.
        positions = sorted(side.get(key, _FAR) for side in orders)
        return positions[0], positions[1], f"{key}"

    return sorted(orders[0].keys() | orders[1].keys(), key=position)


def _stage(turn: _Turn, fresh: Renamed, elsewhere: Renamed) -> StageComparison:
    a, b = turn.fields
    outcomes = _outcome(turn.records[0]), _outcome(turn.records[1])
    comparison = StageComparison(turn.stage, turn.number, title=_title(turn), outcomes=outcomes)
    if a is None or b is None:
        ends = (None if outcome is None else outcome.value for outcome in outcomes)
        return replace(comparison, differences=(Difference("stage", next(ends), next(ends)),))
    differences = [_titled(difference, turn.records) for difference in _differing(a, b)]
    expected = tuple(difference for difference in differences if _must(difference, fresh, elsewhere))
    # An address that differs throughout is shown once, of the traces as a whole.
    unexpected = tuple(
        difference
        for difference in differences
        if difference not in expected and not _is_only(difference, elsewhere)
    )
    return replace(comparison, differences=unexpected, expected=expected)


def _verdict(
    turns: Sequence[_Turn], stages: Sequence[StageComparison], *, about_differs: bool
) -> ComparisonVerdict:
    """Return the verdict on stages in the order in which they happened.

    Args:
        about_differs: whether the traces as a whole differ in kind, resource or address.
    """
    first = next((number for number, stage in enumerate(stages) if stage.differences), None)
    if first is None:
        return ComparisonVerdict(VerdictKind.ELSEWHERE if about_differs else VerdictKind.SAME)
    for number, turn in enumerate(turns):
        a, b = (_result(record, turn.stage) for record in turn.records)
        # By outcome and code, not by text: servers word one refusal differently each time.
        if (a.outcome, a.error_code) != (b.outcome, b.error_code):
            title = stages[number].title
            return ComparisonVerdict(
                VerdictKind.PARTED, title, a=a, b=b, equal_before=number <= first, at_start=number == 0
            )
    return ComparisonVerdict(VerdictKind.DETAILS, stages[first].title)


def _result(record: StageRecord | None, stage: Stage) -> SideResult:
    if record is None:
        return SideResult(stage)
    last = decisive(record.stage, record.exchanges)
    status = last.status if last is not None else None
    codes = (check.error_code for check in record.failures if check.error_code)
    return SideResult(stage, record.outcome, next(codes, ""), status)


def _outcome(record: StageRecord | None) -> Outcome | None:
    return None if record is None else record.outcome


def _title(turn: _Turn) -> str:
    record = next(record for record in turn.records if record is not None)
    again = f", attempt {turn.number}" if turn.number > 1 else ""
    return f"{record.flow.numbered(turn.stage)}{again}"


def _titled(difference: Difference, records: Pair) -> Difference:
    """Return a difference with its title, and with the severity of each side if it is a check."""
    a, b = (
        next((check for check in record.checks if f"check {check.name}" == difference.name), None)
        if record is not None
        else None
        for record in records
    )
    # From either side the same one, even if the two expect something else.
    expected = min((check.expected for check in (a, b) if check is not None), default="")
    severities = (None if a is None else a.severity, None if b is None else b.severity)
    return replace(difference, title=expected or title_of(difference.name), severities=severities)


def _must(difference: Difference, fresh: Renamed, elsewhere: Renamed) -> bool:
    if difference.a is None or difference.b is None:
        return False
    if differs_in_every_run(difference.name, difference.a, difference.b) or _is_only(difference, fresh):
        return True
    return differs_in_every_run(difference.name, *elsewhere.both(difference.a, difference.b))


def _is_only(difference: Difference, renamed: Renamed) -> bool:
    """Return whether the two sides differ in names of the same thing alone."""
    if difference.a is None or difference.b is None:
        return False
    a, b = renamed.both(difference.a, difference.b)
    return a == b


def _differing(a: Fields, b: Fields) -> list[Difference]:
    differences = [Difference(name, a.get(name), b.get(name)) for name in _in_order(a, b)]
    # The order within a group stays: sorting is stable.
    return sorted(
        (difference for difference in differences if difference.a != difference.b),
        key=lambda difference: group_of(difference.name),
    )


def runs(trace: Trace) -> tuple[Trace, ...]:
    """Return each way through the stages; one that began again later has the stages before that, too."""
    ways: list[tuple[StageRecord, ...]] = []
    position = trace.flow.position
    for record in trace.records:
        run = ways[-1] if ways else ()
        if run and _begins_again(position(record.stage) - position(run[-1].stage), run[-1], record):
            ways.append((*(one for one in run if position(one.stage) < position(record.stage)), record))
        else:
            ways[-1:] = [(*run, record)]
    return tuple(replace(trace, records=run) for run in ways)


def honest_run(trace: Trace) -> Trace | None:
    """Return the last run in which nothing was changed on purpose; None if there is none."""
    return next((run for run in reversed(runs(trace)) if not run.tampering), None)


def _begins_again(places: int, before: StageRecord, record: StageRecord) -> bool:
    """Return whether a record begins another run; a failed stage that is tried again does not.

    Args:
        places: how many stages it lies behind the one before, less than 0 for an earlier one.
    """
    return places < 0 or (places == 0 and bool(before.tampering) is not bool(record.tampering))
