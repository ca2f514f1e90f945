"""A lesson as a dialogue: each line that is typed is answered by lines that can be read aloud.

Nothing is written twice unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from authlens_core.values.errors import AuthlensError, LessonRefused
from authlens_lab.learning.desk.open_lesson import (
    TURNED_BACK,
    LessonPhase,
    OpenLesson,
    course_words,
    proof_texts,
    result,
    spoken,
    spoken_value,
)
from authlens_tui.cli.terminal.output import answer_line

_MARKUP: Final = re.compile(r"[`*]")
_TO_POINT: Final = (
    "Type show and the number of an arrow to read its parts, such as show 1. "
    "Then type point, the number and the part, such as point 1 status."
)


class PlainLesson:
    """The dialogue of one lesson.

    Args:
        of: how many lessons there are.
    """

    def __init__(self, lesson: OpenLesson, of: int) -> None:
        self._lesson = lesson
        self._of = of
        self._written: set[str] = set()

    async def begin(self) -> None:
        """Write what the lesson is, or where it goes on."""
        lesson = self._lesson
        title = f"Lesson {lesson.lesson.number} of {self._of}: {lesson.lesson.title}"
        say_texts([title, "Type help at any time.", lesson.lesson.task])
        say_texts([f"! {lesson.note}"] if lesson.note else [])
        if lesson.resumed:
            say_texts(["You go on where you stopped. Your moves were made again:"])
            say_texts(f"Move {number}. {move.text}" for number, move in enumerate(lesson.attempt.moves, 1))
        await self._go_on()

    async def take(self, line: str) -> None:
        """Execute a line: a move, or a command that stays within the lesson."""
        command, _, argument = line.strip().partition(" ")
        try:
            if not self._tell(command.lower(), argument.strip()):
                await self._do(line.strip())
        except AuthlensError as error:
            say_texts([f"✖ {error.cause}", *([str(error.cure)] if error.cure else ())])
            self._written.discard(self._prompt)
        await self._go_on()

    def _tell(self, command: str, argument: str) -> bool:
        """Write what is asked for; return whether anything was."""
        match command:
            case "show":
                self._show(argument)
            case "verdict":
                say_texts(self._lesson.verdict())
            case "hint":
                self._hint()
            case "help" | "?":
                say_texts(f"{name}: {meaning}" for name, meaning in course_words("command").items())
            case "task":
                self._written.clear()
            case "next" if phase := self._lesson.next_phase:
                say_texts([f"Phase {phase.value} is not done yet; the next one begins when it is."])
            case "":
                pass
            case _:
                return False
        self._written.discard(self._prompt)
        return True

    async def _do(self, line: str) -> None:
        """Start over, take a move back or make one."""
        match line.lower().split():
            case ["again", *names]:
                await self._again(" ".join(names))
            case ["next"]:
                await self._again("")
            case ["undo"] if self._lesson.attempt.made:
                await self._lesson.undo()
                self._written.clear()
                say_texts(["The last move is taken back."])
            case ["undo"]:
                raise LessonRefused("There is no move to take back.")
            case _:
                await self._make(line)

    async def _make(self, line: str) -> None:
        lesson = self._lesson
        before = self._lesson.next_phase
        alone = line.lower().removeprefix("answer ").removeprefix("predict ")
        if alone in {"a", "b", "c"} and before in {LessonPhase.PREDICT, LessonPhase.QUESTIONS}:
            line = (
                f"predict {alone}" if before is LessonPhase.PREDICT else f"answer {lesson.question} {alone}"
            )
        move = lesson.move_typed(line)
        await lesson.make(move)
        made_in = lesson.attempt.made[-1].phase
        following = lesson.next_phase
        if move.verb == "defend" or following is LessonPhase.BREAK is not before:
            self._written.clear()  # other servers
        say_texts([f"Move {len(lesson.attempt.made)}. {move.text}"])
        self._say_new(self._evidence(made_in))
        say_texts([spoken(lesson.worth(move, made_in))])
        if following is not before and made_in is lesson.lesson.prediction.judged_on:
            say_texts(lesson.prediction())

    async def _again(self, name: str) -> None:
        phases = {phase.value: phase for phase in self._lesson.lesson.phases}
        if name and name not in phases:
            raise LessonRefused(f"There is no phase “{name}”.", f"Type again and {either(phases)}.")
        phase = phases.get(name) or self._lesson.next_phase or self._lesson.lesson.phases[-1]
        await self._lesson.start_over(phase)
        self._written.clear()
        say_texts([f"Phase {phase.value} starts over. {TURNED_BACK}"])

    async def _go_on(self) -> None:
        """Write the new lines of the next phase or of the end."""
        await self._lesson.prepare()
        self._say_new([*self._phase_lines(), self._prompt])

    def _say_new(self, texts: Iterable[str]) -> None:
        for text in texts:
            if text not in self._written:
                say_texts([text])
                self._written.add(text)

    def _phase_lines(self) -> Iterator[str]:
        lesson = self._lesson
        phase = self._lesson.next_phase
        if phase is None:
            yield result(lesson.attempt)
            return
        question = lesson.question
        number = f"{len(lesson.attempt.answers) + 1} of {len(lesson.lesson.questions)}"
        heading = f"Question {question}, {number}" if question else f"Phase {phase.value}"
        yield f"{heading}. {lesson.text(phase, question)}"
        kind = "Switch" if phase is LessonPhase.REPAIR else "Option"
        for name, text in lesson.options(phase, question).items():
            yield f"{kind} {name}. {text}"
        yield from self._evidence(phase)
        for name, value in lesson.credentials(phase) if phase is LessonPhase.BREAK else ():
            yield f"You hold ${name}: {spoken_value(value)}."
        for form in lesson.forms(phase):
            moves = [*form.moves()]
            yield from [f"Move {form.verb}: {form.meaning}"] if len(moves) > 1 else []
            yield from (f"Move {move.text}: {text}" for text, move in moves)

    def _evidence(self, phase: LessonPhase) -> Iterator[str]:
        """Yield who said what in a phase that is judged, and what it proves."""
        if phase.is_judged:
            for line in self._lesson.story(phase):
                yield line.sentence
                yield line.meaning
            yield from proof_texts(self._lesson.proofs(phase))

    @property
    def _prompt(self) -> str:
        """What can be typed now."""
        lesson = self._lesson
        phase = self._lesson.next_phase
        if phase is None:
            again = "next, lessons, again or quit" if lesson.attempt.passed else "again, lessons or quit"
            return f"Type {again}."
        if phase is LessonPhase.OBSERVE:
            return _TO_POINT
        if phase is LessonPhase.REPAIR and lesson.lesson.offer:
            budget = lesson.lesson.budget
            number = "a switch" if budget == 1 else f"up to {budget} switches"
            return f"Type defend and {number}: {either(lesson.lesson.offer)}."
        if forms := lesson.forms(phase):
            budget_left = f" Moves left: {lesson.attempt.moves_left}." if phase is LessonPhase.BREAK else ""
            return f"Type {either(form.verb for form in forms)}.{budget_left}"
        return f"Type a letter: {either(lesson.options(phase, lesson.question))}."

    def _show(self, number: str) -> None:
        lesson = self._lesson
        phase = lesson.phase_of_requests(lesson.next_phase or lesson.lesson.phases[-1], lesson.question)
        story = [line for line in lesson.story(phase) if number in {"", str(line.arrow)}]
        if not story:
            say_texts(["✖ There is no such arrow." if number else "Nothing was sent yet."])
        say_texts(f"{line.sentence} {line.meaning}" for line in story)
        group = ""
        for field in lesson.parts(phase, int(number)) if number.isdigit() else ():
            if field.group != group:
                group = field.group
                answer_line(f"{group}:")
            answer_line(
                f"Part {field.name}: {spoken_value(field.value)}. {_MARKUP.sub('', field.meaning)}".rstrip()
            )

    def _hint(self) -> None:
        phase = self._lesson.next_phase
        hints = self._lesson.hints(phase) if phase else ()
        if phase is None or not hints:
            raise LessonRefused("There is no hint here.")
        step = self._lesson.next_hint(phase)
        say_texts([f"Hint {step} of {len(hints)}. {hints[step - 1]}"])


def say_texts(texts: Iterable[str]) -> None:
    """Write texts of a lesson, a line for each paragraph."""
    for text in texts:
        for paragraph in re.split(r"\n\s*\n|\n(?=[-*] )", _MARKUP.sub("", text)):
            if paragraph:
                answer_line(" ".join(paragraph.split()))


def either(names: Iterable[str]) -> str:
    """Return words as a choice: `a, b or c`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
