"""A lesson as lines that can be read aloud: the task, who said what, the verdict, and what can be typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.move_text import quoted, text_of
from authlens_core.learning.guide.offers import MoveForm, forms
from authlens_core.learning.guide.said import moves_left
from authlens_core.learning.guide.story import StoryLine, held, parts
from authlens_core.learning.guide.verdict_lines import ClaimState, prediction_line, verdict_lines
from authlens_core.learning.lesson import QUESTIONS, QUESTIONS_TO_PASS, LessonPhase
from authlens_core.learning.words_file import LessonWords
from authlens_core.learning.world import World
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import MASK

JUDGED: Final = frozenset({LessonPhase.RUN, LessonPhase.BREAK, LessonPhase.REPAIR})
"""The phases with something to prove, by moves that are made in a world."""
_MARKUP: Final = re.compile(r"[`*]")


def plain_text(markdown: str) -> Iterator[str]:
    """Yield a text of a lesson, a line for each paragraph."""
    for paragraph in re.split(r"\n\s*\n|\n(?=[-*] )", _MARKUP.sub("", markdown)):
        yield " ".join(paragraph.split())


def either(words: Iterable[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def story_line(line: StoryLine) -> str:
    """Return a request, or what a party did, as a sentence."""
    if line.receiver:
        purpose = Purpose[str(line.row.values["purpose"]).upper()].value
        said = f"Arrow {line.arrow}. {line.sender} to {line.receiver}. {line.words}. Answer {line.answer}."
        return f"{said} Purpose: {purpose}." if purpose else said
    return f"{f'At arrow {line.arrow},' if line.arrow else 'Event:'} {line.sender} {line.words}."


def part_lines(world: World, line: StoryLine) -> Iterator[str]:
    """Yield the parts of a request and its answer, below where they are."""
    place = ""
    for part in parts(world, line.row):
        if part.place != place:
            place = part.place
            yield f"{place}:"
        yield f"Part {part.name}: {_unmasked(part.value)}. {_MARKUP.sub('', part.meaning)}".rstrip()


def held_lines(world: World) -> Iterator[str]:
    """Yield the credentials that you hold."""
    for name, value in held(world):
        yield f"You hold ${name}: {_unmasked(value)}."


def _unmasked(value: str) -> str:
    """Return a value with words for its mask; the fingerprint tells two secrets apart."""
    return value.replace(f"{MASK} #", "secret #")


def question_of(attempt: LessonAttempt) -> str:
    """Return the question that comes next; empty before the questions, and after the last one."""
    if attempt.next_phase is not LessonPhase.QUESTIONS:
        return ""
    return next((q.name for q in attempt.lesson.questions if q.name not in attempt.answers), "")


def introduction(attempt: LessonAttempt, words: LessonWords) -> Iterator[str]:
    """Yield what the next phase asks for, or how the lesson ended."""
    phase, texts, lesson = attempt.next_phase, words.texts, attempt.lesson
    letters: Iterable[str] = ()
    about = "" if phase is None else phase.value
    if phase is None:
        yield from _result(attempt)
    elif question := question_of(attempt):
        about, letters = f"questions/{question}", "abc"
        number = [one.name for one in lesson.questions].index(question) + 1
        yield f"Question {question}, {number} of {QUESTIONS}. {texts[about]}"
    else:
        yield f"Phase {about}. {texts[about]}"
    if phase is LessonPhase.PREDICT:
        letters = lesson.prediction.options
    for letter in letters:
        yield f"Option {letter}. {texts[f'{about}/{letter}']}"
    if phase in JUDGED:
        for number, _ in enumerate(lesson.claims_of(phase), 1):
            yield f"To prove {number}. {texts[f'{about}/claim {number}']}"
    for switch in lesson.repair.offer if phase is LessonPhase.REPAIR else ():
        yield f"Switch {switch}. {texts[f'repair/{switch}']}"


def _result(attempt: LessonAttempt) -> Iterator[str]:
    outcome = attempt.outcome()
    right = f"{outcome.right_answers} of {QUESTIONS} answers are right"
    if outcome.passed:
        yield f"✔ You passed: {right}."
    else:
        again = "" if attempt.lesson.ticket else " Type again to answer again."
        phases = ", ".join(verdict.phase.value for verdict in outcome.phases if not verdict.passed)
        yield f"✖ Not passed: {phases}. {right}, and {QUESTIONS_TO_PASS} have to be.{again}"


def forms_of(attempt: LessonAttempt) -> tuple[MoveForm, ...]:
    """Return the moves that can be made now in a world."""
    phase = attempt.next_phase
    world = None if phase is None else attempt.world_of(phase)
    return () if phase is None else forms(attempt.lesson, phase, () if world is None else world.loot)


def what_to_type(attempt: LessonAttempt) -> str:
    """Return in a sentence what can be typed now."""
    repair = attempt.lesson.repair
    match attempt.next_phase:
        case None:
            return f"Type next, lessons{'' if attempt.lesson.ticket else ', again'} or quit."
        case LessonPhase.PREDICT:
            return f"Type predict and a letter: {either(attempt.lesson.prediction.options)}."
        case LessonPhase.QUESTIONS:
            return f"Type answer {question_of(attempt)} and a letter: a, b or c."
        case LessonPhase.OBSERVE:
            return (
                "Type show and the number of an arrow to read its parts, such as show 1. "
                "Then type point, the number and the part, such as point 1 status."
            )
        case LessonPhase.REPAIR if repair.offer:
            number = "a switch" if repair.budget == 1 else f"up to {repair.budget} switches"
            return f"Type defend and {number}: {either(repair.offer)}."
    return f"Type {either(form.verb for form in forms_of(attempt))}."


def form_lines(attempt: LessonAttempt) -> Iterator[str]:
    """Yield what each move that can be made now does, and how it is typed."""
    for form in forms_of(attempt):
        yield f"Move {form.verb}: {form.meaning}"
        yield f"  Type it as: {text_of(form.move({}))}"
        for argument in form.arguments:
            if len(argument.choices) > 1:
                yield f"  {argument.name} is {either(map(_choice, argument.choices))}."


def _choice(choice: str | bool) -> str:  # noqa: FBT001 - one of those that an argument can be
    return quoted(str(choice)).lower() if choice != "" else "left out"


def left_lines(attempt: LessonAttempt) -> Iterator[str]:
    """Yield how many moves an attack may still have."""
    phase = attempt.next_phase
    if phase is LessonPhase.BREAK and not attempt.lesson.attack.causes:
        left = moves_left(attempt)
        can_again = attempt.has_begun(phase) and not attempt.lesson.ticket
        again = " again starts this phase over, with fresh credentials." if can_again else ""
        yield f"You have {left} {'move' if left == 1 else 'moves'}.{again}"


def outcome_lines(attempt: LessonAttempt, words: LessonWords) -> Iterator[str]:
    """Yield the verdict on each phase, with what shows it or comes nearest."""
    outcome = attempt.outcome()
    for verdict in outcome.phases:
        state = "passed" if verdict.passed else "not passed" if verdict.begun else "to do"
        yield f"Phase {verdict.phase.value}: {state}."
        for line in verdict_lines(verdict, words) if verdict.begun else ():
            yield f"{'To do:' if line.state is ClaimState.OPEN else line.state.value} {line.words}"
            # Without the arrows of a diagram.
            yield from (f"  {d.replace(' → ', ' to ', 1).replace(' → ', ', answer ')}." for d in line.details)
    yield from prediction_line(outcome, words)
