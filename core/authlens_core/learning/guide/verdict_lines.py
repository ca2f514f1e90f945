"""The verdict in words: on each claim of a phase, on the prediction, and on all phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from authlens_core.learning.claim import Claim, Operator
from authlens_core.learning.guide.story import StoryLine, line_of, spoken
from authlens_core.learning.judge import ClaimVerdict
from authlens_core.learning.lesson import QUESTIONS, LessonPhase, LessonWords
from authlens_core.learning.outcome import AttemptOutcome, PhaseVerdict
from authlens_core.learning.row import WORDS, EvidenceRow, Source
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.word_files import words as word_file


class ClaimState(StrEnum):
    """The value is the sign."""

    MET = "✔"
    UNMET = "✖"
    OPEN = "○"


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One thing to prove.

    Attributes:
        details: how it was met, or what came nearest and where that differs.
        arrow: the request that shows it; 0 where it was no request.
    """

    state: ClaimState
    words: str
    details: tuple[str, ...] = ()
    arrow: int = 0


_KIND: Final = frozenset({"what", "purpose", "stage", "name"})
"""The fields without which a row is not even of the kind that a claim asks for."""
_PARTIES: Final = frozenset({"seat", "at", "user", "browser"})
"""The fields that name someone."""


def verdict_lines(verdict: PhaseVerdict, words: LessonWords) -> tuple[VerdictLine, ...]:
    """Return a line for each claim of a phase, and one for the honest login where it has to work."""
    phase = verdict.phase.value
    can_come = verdict.phase is not LessonPhase.REPAIR or verdict.honest is None
    lines = [
        _line(claim, words.texts[f"{phase}/claim {number}"], begun=verdict.begun, can_come=can_come)
        for number, claim in enumerate(verdict.claims, 1)
    ]
    if verdict.wants_honest:
        state = {None: ClaimState.OPEN, True: ClaimState.MET, False: ClaimState.UNMET}[verdict.honest]
        can = "cannot" if verdict.honest is False else "can"
        lines.append(VerdictLine(state, f"Ada {can} log in as usual afterwards."))
    return tuple(lines)


def _line(verdict: ClaimVerdict, sentence: str, *, begun: bool, can_come: bool) -> VerdictLine:
    nearest = verdict.nearest
    if nearest is not None and not _KIND.isdisjoint(nearest.unmet):
        if can_come:
            return VerdictLine(ClaimState.OPEN, sentence)
        line = line_of(nearest.row)
        seen = nearest.row.source is Source.EVENT
        details = (f"Instead: {_at(line)}",) if seen else ("It has not happened",)
        return VerdictLine(ClaimState.UNMET, sentence, details, line.arrow if seen else 0)
    if not begun or not (verdict.holds or verdict.rows or nearest):
        return VerdictLine(ClaimState.OPEN, sentence)
    shown = [line_of(row) for row in (verdict.rows[:1] if nearest is None else (nearest.row,))]
    arrow = next((line.arrow for line in shown), 0)
    named = tuple(map(_at, shown))
    if verdict.holds:
        return VerdictLine(ClaimState.MET, sentence, named, arrow)
    if nearest is None:
        return VerdictLine(ClaimState.UNMET, sentence, ("It must not happen, and it did.", *named), arrow)
    differs = tuple(_differs(verdict.claim, name, nearest.row) for name in nearest.unmet)
    return VerdictLine(ClaimState.UNMET, sentence, (f"Nearest is {named[0]}", *differs), arrow)


def _at(line: StoryLine) -> str:
    return f"arrow {line.arrow}: {line.text}" if line.arrow else line.text


def _differs(claim: Claim, name: str, row: EvidenceRow) -> str:
    """Say how a row differs from a claim in a field, without a value that may be a credential."""
    if name.startswith(("after ", "before ")):
        return f"It has to come {name.partition(' ')[0]} what the line above it shows."
    known = word_file("course")
    label = known["field"].get(name, name)
    test = next(test for test in claim.tests if test.field == name)
    if test.operator in {Operator.PRESENT, Operator.ABSENT}:
        return f"{label}: {'missing' if test.operator is Operator.PRESENT else 'must not be there'}"
    if WORDS[row.source].get(name) or name == "status":
        wanted = test.value if isinstance(test.value, tuple) else (test.value,)
        if all(isinstance(one, str | int) for one in wanted):
            named = known["party"] if name in _PARTIES else known.get(name, {})
            either = " or ".join(_spoken(one, named) for one in wanted)
            seen = _spoken(row.values.get(name, "none"), named)
            return f"{label}: {seen}, but it has to be {either}"
    return f"{label}: another one"


def _spoken(value: object, named: Mapping[str, str]) -> str:
    return named.get(str(value), str(value).replace("_", " "))


def prediction_line(outcome: AttemptOutcome) -> Iterator[str]:
    """Yield what was predicted, and what the moves say once they say it."""
    words = outcome.lesson.words
    if not outcome.option:
        return
    yield f"You predicted {outcome.option}: {words.texts[f'predict/{outcome.option}']}"
    if outcome.held == (outcome.option,):
        yield "✔ Your requests show just that."
    elif outcome.held:
        yield f"✖ Your requests show {outcome.held[0]}: {words.texts[f'predict/{outcome.held[0]}']}"


def outcome_lines(outcome: AttemptOutcome) -> Iterator[str]:
    """Yield the verdict on each phase, with what shows it or comes nearest, to be read aloud."""
    for verdict in outcome.phases:
        passed = "made" if verdict.phase is LessonPhase.PREDICT else "passed"  # also one that was wrong
        state = passed if verdict.passed else "not passed" if verdict.begun else "to do"
        yield f"Phase {verdict.phase.value}: {state}."
        for line in verdict_lines(verdict, outcome.lesson.words) if verdict.begun else ():
            yield f"{'To do:' if line.state is ClaimState.OPEN else line.state.value} {line.words}"
            yield from (f"  {spoken(detail)}." for detail in line.details)
    if outcome.phases[-1].begun:
        yield f"{outcome.right_answers} of {QUESTIONS} answers are right."
    yield from prediction_line(outcome)
