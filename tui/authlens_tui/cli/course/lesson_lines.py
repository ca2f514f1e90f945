"""A lesson as lines that can be read aloud: the task, who said what, the verdict, and what can be typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.guide.shown import Part, StoryLine
from authlens_core.learning.lesson import QUESTIONS, QUESTIONS_TO_PASS, LessonPhase
from authlens_core.learning.moves import quoted
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import MASK

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


def part_lines(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the parts of a request and its answer, below where they are."""
    place = ""
    for part in parts:
        if part.place != place:
            place = part.place
            yield f"{place}:"
        yield f"Part {part.name}: {unmasked(part.value)}. {_MARKUP.sub('', part.meaning)}".rstrip()


def unmasked(value: str) -> str:
    """Return a value with words for its mask; the fingerprint tells two secrets apart."""
    return value.replace(f"{MASK} #", "secret #")


def introduction(lesson: OpenLesson) -> Iterator[str]:
    """Yield what the next phase asks for, or how the lesson ended."""
    phase = lesson.next_phase
    if phase is None:
        yield from _result(lesson)
        return
    question = lesson.question if phase is LessonPhase.QUESTIONS else ""
    if question:
        number = len(lesson.attempt.answers) + 1
        yield f"Question {question}, {number} of {QUESTIONS}. {lesson.text(phase, question)}"
    else:
        yield f"Phase {phase.value}. {lesson.text(phase)}"
    for number, line in enumerate(lesson.proofs(phase), 1):
        yield f"To prove {number}. {line.words}"
    kind = "Switch" if phase is LessonPhase.REPAIR else "Option"
    for name, text in lesson.options(phase, question).items():
        yield f"{kind} {name}. {text}"


def _result(lesson: OpenLesson) -> Iterator[str]:
    outcome = lesson.attempt.outcome()
    right = f"{outcome.right_answers} of {QUESTIONS} answers are right"
    if outcome.passed:
        yield f"✔ You passed: {right}."
    else:
        again = "" if lesson.lesson.ticket else " Type again to answer again."
        phases = ", ".join(verdict.phase.value for verdict in outcome.phases if not verdict.passed)
        yield f"✖ Not passed: {phases}. {right}, and {QUESTIONS_TO_PASS} have to be.{again}"


def what_to_type(lesson: OpenLesson) -> str:
    """Return in a sentence what can be typed now."""
    match phase := lesson.next_phase:
        case None:
            return f"Type next, lessons{'' if lesson.lesson.ticket else ', again'} or quit."
        case LessonPhase.PREDICT:
            return f"Type a letter: {either(lesson.options(phase))}."
        case LessonPhase.QUESTIONS:
            return "Type a letter: a, b or c."
        case LessonPhase.OBSERVE:
            return (
                "Type show and the number of an arrow to read its parts, such as show 1. "
                "Then type point, the number and the part, such as point 1 status."
            )
        case LessonPhase.REPAIR if switches := lesson.options(phase):
            budget = lesson.drawn.repair.budget
            number = "a switch" if budget == 1 else f"up to {budget} switches"
            return f"Type defend and {number}: {either(switches)}."
    return f"Type {either(form.verb for form in lesson.forms(phase))}."


def form_lines(lesson: OpenLesson) -> Iterator[str]:
    """Yield what each move that can be made now does, and how it is typed."""
    for form in lesson.forms(lesson.next_phase) if lesson.next_phase else ():
        yield f"Move {form.verb}: {form.meaning}"
        yield f"  Type it as: {form.move({}).text}"
        for argument in form.arguments:
            if len(argument.choices) > 1:
                yield f"  {argument.name} is {either(map(_choice, argument.choices))}."


def _choice(choice: str | bool) -> str:  # noqa: FBT001 - one of those that an argument can be
    return quoted(str(choice)).lower() if choice != "" else "left out"


def left_lines(lesson: OpenLesson) -> Iterator[str]:
    """Yield how many moves an attack may still have."""
    phase = lesson.next_phase
    if phase is LessonPhase.BREAK and not lesson.drawn.attack.causes:
        left = lesson.moves_left
        can_again = lesson.attempt.has_begun(phase) and not lesson.lesson.ticket
        again = " again starts this phase over, with fresh credentials." if can_again else ""
        yield f"You have {left} {'move' if left == 1 else 'moves'}.{again}"
