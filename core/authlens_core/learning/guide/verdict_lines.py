"""The verdict in words: on each claim of a phase, on the prediction, on a move, and on all phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.claim import Claim, Operator
from authlens_core.learning.guide.story import StoryLine, line_of, meaning, part_title, spoken
from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase, LessonWords
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove, PredictMove
from authlens_core.learning.row import WORDS, EvidenceRow, Source
from authlens_core.learning.verdict import AttemptOutcome, ClaimVerdict, PhaseVerdict
from authlens_core.values.word_files import words as word_file


class ClaimState(StrEnum):
    """The value is the sign."""

    MET = "✔"
    UNMET = "✖"
    OPEN = "○"


class VerdictLine(Struct, frozen=True):
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


def evidence(attempt: LessonAttempt, question: str) -> tuple[StoryLine, str] | None:
    """Return the line of your own requests that shows the right answer, and its part; None if none does.

    The part is empty where the line as a whole shows it.
    """
    asked = attempt.lesson.question(question)
    verdicts = attempt.judged(asked.about, asked.shown_by)
    if not verdicts or not all(verdict.holds for verdict in verdicts):
        return None
    claim, row = verdicts[-1].claim, verdicts[-1].rows[0]
    parts = (test.field for test in claim.tests if "." in test.field and test.field in row.values)
    return line_of(row), next(parts, "")


def marks(attempt: LessonAttempt, question: str) -> Iterator[tuple[str, str]]:
    """Yield each option of an answered question with its sign: right, chosen in vain, or neither."""
    right = attempt.right_options(attempt.lesson.question(question))
    for option in "abc":
        chosen = option == attempt.answers[question]
        yield "✔" if option in right else "✖" if chosen else " ", option


def worth(attempt: LessonAttempt, move: AnyMove, phase: LessonPhase) -> str:
    """Return in a sentence or two what a move was worth, just after it was made in a phase."""
    if isinstance(move, PredictMove):
        return "Now find out."
    if isinstance(move, AnswerMove):
        return _of_answer(attempt, move)
    passed = attempt.verdict(phase).passed
    if isinstance(move, PointMove):
        return _of_point(attempt, move, passed=passed)
    if passed:
        return f"✔ {phase.value.capitalize()} is done."
    if isinstance(move, DefendMove):
        return f"✖ Not enough: {' '.join(attempt.lesson.words.texts[f'repair/{name}'] for name in move.on)}"
    if phase is not LessonPhase.BREAK:
        return f"Made: {move.verb}. Not everything is proved yet."
    left = attempt.moves_left
    return f"Made: {move.verb}. {left} {'move is' if left == 1 else 'moves are'} left."


def _of_point(attempt: LessonAttempt, move: PointMove, *, passed: bool) -> str:
    world = attempt.world_of(LessonPhase.OBSERVE)
    rows = () if world is None else world.rows
    values = next((row.values for row in rows if row.arrow == move.arrow and move.part in row.values), {})
    decides = meaning(move.part, values.get("purpose", ""))
    if passed:
        return f"✔ Right: {part_title(move.part)} of arrow {move.arrow}. {decides}".rstrip()
    again = " Point at another part."
    around, wanted = str(values.get(move.part, "")), attempt.lesson.observation.parts
    if any(str(values[part]) in around for part in wanted if part in values):  # a parameter in its header
        return f"✖ Not {part_title(move.part)} as a whole. A value within it has its own part.{again}"
    return f"✖ Not {part_title(move.part)}. {decides or 'It does not decide this.'}{again}"


def answered(lesson: CourseLesson, question: str, option: str, right: str) -> str:
    """Return whether an answer is right, which one is, and why, if the lesson says it in words."""
    name, texts = f"questions/{question}", lesson.words.texts
    wrong = f"✖ No. {right}: {texts[f'{name}/{right}'].removesuffix('.')}."
    return f"{'✔ Right.' if option == right else wrong} {texts.get(f'{name}/why', '')}".rstrip()


def _of_answer(attempt: LessonAttempt, move: AnswerMove) -> str:
    right = next(option for sign, option in marks(attempt, move.question) if sign == "✔")
    said = answered(attempt.lesson, move.question, move.option, right)
    shown = evidence(attempt, move.question)
    if shown is None or f"questions/{move.question}/why" in attempt.lesson.words.texts:
        return said
    line, part = shown
    arrow = f", arrow {line.arrow}" if line.arrow else ""
    seen = f"{attempt.lesson.question(move.question).about.value}{arrow}: {line.text}"
    return f"{said} You saw it in {seen}{f', with `{part}`' if part else ''}."
