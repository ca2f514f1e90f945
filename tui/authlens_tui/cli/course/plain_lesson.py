"""A lesson as a dialogue of lines that can be read aloud: one is typed, and answered by others.

Nothing is written twice unasked.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from authlens_core.learning.desk.open_lesson import (
    TURNED_BACK,
    Argument,
    ClaimState,
    LessonPhase,
    OpenLesson,
    Part,
    StoryLine,
    result,
    spoken,
    spoken_value,
)
from authlens_core.learning.moves import quoted, usage
from authlens_core.values.errors import AuthlensError, LessonRefused
from authlens_core.values.word_files import words
from authlens_tui.cli.terminal.output import answer_line

_MARKUP: Final = re.compile(r"[`*]")


class PlainLesson:
    """Answers what is typed in a lesson.

    Args:
        of: how many lessons there are.
    """

    def __init__(self, lesson: OpenLesson, of: int) -> None:
        self._lesson = lesson
        self._of = of
        self._said: set[tuple[LessonPhase | None, str]] = set()  # what was written, and the phase of it
        self._commands: dict[str, Callable[[str], Awaitable[None] | None]] = {
            "show": self._show,
            "verdict": lambda _: say_texts(self._lesson.verdict()),
            "hint": lambda _: self._hint(),
            "task": lambda _: self._introduce(),
            "help": lambda _: self._help(),
            "?": lambda _: self._help(),
            "again": self._again,
            "undo": lambda _: self._undo(),
            "next": lambda _: self._next(),
        }

    async def begin(self) -> None:
        """Say what the lesson is, or where it goes on."""
        lesson = self._lesson
        title = f"Lesson {lesson.lesson.number} of {self._of}: {lesson.lesson.title}"
        say_texts([title, "Type help at any time.", lesson.lesson.task])
        if lesson.note:
            say_texts([f"! {lesson.note}"])
        if lesson.resumed:
            say_texts(["You go on where you stopped. Your moves were made again:"])
            say_texts(f"Move {number}. {move.text}" for number, move in enumerate(lesson.attempt.moves, 1))
        await self._enter()

    async def take(self, line: str) -> None:
        """Do what a line says: a move, or one of the commands that stay within the lesson."""
        command, _, rest = line.strip().partition(" ")
        try:
            if (answer := self._commands.get(command.lower())) is not None:
                if (done := answer(rest.strip())) is not None:
                    await done
            elif command:
                await self._make(self._whole(line.strip()))
            else:
                say_texts([what_to_type(self._lesson)])
        except AuthlensError as error:
            say_texts([f"✖ {error.cause}", *([str(error.cure)] if error.cure else ())])
            self._say_what_to_type()

    def _whole(self, line: str) -> str:
        """Return a line that is a letter alone as the answer to what was asked last."""
        phase = self._lesson.next_phase
        alone = line.lower().removeprefix("answer ").removeprefix("predict ")
        if alone in {"a", "b", "c"} and not (phase and phase.is_judged):
            asked = phase is LessonPhase.QUESTIONS
            return f"answer {self._lesson.question} {alone}" if asked else f"predict {alone}"
        return line

    async def _make(self, line: str) -> None:
        lesson, before = self._lesson, self._lesson.next_phase
        move, has_switches = lesson.typed(line), bool(lesson.lesson.offer)
        if before is LessonPhase.REPAIR and has_switches:  # those that were turned are turned back
            self._forget(before)
        await lesson.make(move)
        say_texts([f"Move {len(lesson.attempt.made)}. {move.text}"])
        made_in = lesson.attempt.made[-1].phase
        is_over = lesson.next_phase is not before
        if made_in.is_judged:
            self._say_story(made_in)
            say_texts(self._newly_met(made_in))
        if is_over or not made_in.is_judged or (made_in is LessonPhase.REPAIR and has_switches):
            say_texts([spoken(lesson.worth(move, made_in))])
        if is_over and made_in is lesson.lesson.prediction.judged_on:
            say_texts(lesson.prediction())
        if is_over or made_in is LessonPhase.QUESTIONS:
            await self._enter()
        elif made_in.is_judged:
            say_texts(self._first_open(made_in))
            self._say_what_to_type(briefly=not self._say_held(made_in))

    async def _again(self, name: str) -> None:
        known = [phase.value for phase in self._lesson.lesson.phases]
        if name and name not in known:
            phases = either(known)
            raise LessonRefused(f"There is no phase “{name}”.", f"Type again and {phases}.")
        phase = LessonPhase(name) if name else self._lesson.next_phase or LessonPhase.QUESTIONS
        await self._lesson.start_over(phase)
        for other in LessonPhase:
            if not self._lesson.attempt.has_begun(other):
                self._forget(other)
        say_texts([f"Phase {phase.value} starts over. {TURNED_BACK}"])
        await self._enter()

    async def _undo(self) -> None:
        if not self._lesson.attempt.made:
            raise LessonRefused("There is no move to take back.")
        phase = self._lesson.attempt.made[-1].phase
        await self._lesson.undo()
        self._forget(phase)
        say_texts(["The last move is taken back."])
        await self._enter()

    def _is_new(self, phase: LessonPhase | None, name: str) -> bool:
        """Return whether something of a phase was not written yet, and note that it is now."""
        said = phase, name
        is_new = said not in self._said
        self._said.add(said)
        return is_new

    def _forget(self, phase: LessonPhase) -> None:
        """Have what happens in a phase be written again, because it is made again."""
        self._said = {said for said in self._said if said[0] is not phase}

    async def _enter(self) -> None:
        """Say what comes next."""
        await self._lesson.prepare()
        self._introduce()

    def _introduce(self) -> None:
        say_texts(introduction(self._lesson))
        phase = self._lesson.next_phase
        if phase is not None and phase.is_judged:
            self._say_story(phase)
            self._say_held(phase)
        self._say_what_to_type()

    def _say_held(self, phase: LessonPhase) -> bool:
        """Write what you hold and was not written yet; return whether there was any."""
        known = self._lesson.held(phase) if phase is LessonPhase.BREAK else ()
        lines = [f"You hold ${name}: {spoken_value(value)}." for name, value in known]
        new = [line for line in lines if self._is_new(phase, line)]
        say_texts(new)
        return bool(new)

    def _say_what_to_type(self, *, briefly: bool = False) -> None:
        say_texts([what_to_type(self._lesson)])
        say_texts(() if briefly else form_lines(self._lesson))
        say_texts(left_lines(self._lesson))

    def _say_story(self, phase: LessonPhase, *, again: bool = False) -> None:
        """Write what happened in the world of a phase and was not written yet."""
        world_of, lines = self._lesson.attempt.world_of, self._lesson.story(phase)
        phase = next(one for one in phase.until if world_of(one) is world_of(phase))  # two may share one
        for number, line in enumerate(lines):
            if self._is_new(phase, str(number)) or again:
                meaning = line.meaning if self._is_new(None, line.meaning) else ""  # once is enough
                say_texts([f"{story_line(line)} {meaning}"])

    def _newly_met(self, phase: LessonPhase) -> Iterator[str]:
        for line in self._lesson.proofs(phase):
            if line.state is ClaimState.MET and self._is_new(phase, line.words):
                yield f"✔ {line.words}"

    def _first_open(self, phase: LessonPhase) -> Iterator[str]:
        for line in self._lesson.proofs(phase):
            if line.state is not ClaimState.MET:
                yield f"Not proved yet: {line.words} Type verdict to read what comes nearest."
                return

    # The commands

    def _show(self, number: str) -> None:
        phase = self._lesson.next_phase or LessonPhase.QUESTIONS
        if phase is LessonPhase.QUESTIONS:
            phase = self._lesson.told_in(phase, self._lesson.question)
        arrows = {str(line.arrow): line for line in self._lesson.story(phase) if line.receiver}
        if not self._lesson.has_servers(phase):
            say_texts(["Nothing was sent yet."])
        elif not number:
            self._say_story(phase, again=True)
        elif number not in arrows:
            say_texts([f"✖ There is no such arrow. The last one is {len(arrows)}."])
        else:
            answer_line(f"{story_line(arrows[number])} {arrows[number].meaning}".rstrip())
            for line in part_lines(self._lesson.parts(phase, int(number))):
                answer_line(line)  # a value on the wire is no Markdown

    def _hint(self) -> None:
        phase = self._lesson.next_phase
        if phase is None or not (hints := self._lesson.hints(phase)):
            say_texts(["There is no hint here."])
            return
        step = self._lesson.next_hint(phase)
        say_texts([f"Hint {step} of {len(hints)}. {hints[step - 1]}"])

    def _next(self) -> None:
        """Say what is left of this phase: the next phase begins when it is done."""
        if (phase := self._lesson.next_phase) is not None:
            say_texts([f"Phase {phase.value} is not done yet; the next one begins when it is."])
            say_texts(self._first_open(phase))
            self._say_what_to_type()

    def _help(self) -> None:
        self._say_what_to_type()
        say_texts(f"{name}: {meaning}" for name, meaning in words("course")["command"].items())


def say_texts(texts: Iterable[str]) -> None:
    """Write texts of a lesson, a line for each paragraph."""
    for text in texts:
        for line in plain_text(text):
            answer_line(line)


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
        return f"Arrow {line.arrow}. {line.sender} to {line.receiver}. {line.words}. Answer {line.answer}."
    return f"{f'At arrow {line.arrow},' if line.arrow else 'Event:'} {line.sender} {line.words}."


def part_lines(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the parts of a request and its answer, below where they are."""
    place = ""
    for part in parts:
        if part.place != place:
            place = part.place
            yield f"{place}:"
        yield f"Part {part.name}: {spoken_value(part.value)}. {_MARKUP.sub('', part.meaning)}".rstrip()


def introduction(lesson: OpenLesson) -> Iterator[str]:
    """Yield what the next phase asks for, or how the lesson ended."""
    phase = lesson.next_phase
    if phase is None:
        yield result(lesson.attempt)
        yield from () if lesson.attempt.passed else ["Type again to answer again."]
        return
    question = lesson.question if phase is LessonPhase.QUESTIONS else ""
    if question:
        number = len(lesson.attempt.answers) + 1
        each = len(lesson.lesson.questions)
        yield f"Question {question}, {number} of {each}. {lesson.text(phase, question)}"
    else:
        yield f"Phase {phase.value}. {lesson.text(phase)}"
    for number, line in enumerate(lesson.proofs(phase), 1):
        yield f"To prove {number}. {line.words}"
    kind = "Switch" if phase is LessonPhase.REPAIR else "Option"
    for name, text in lesson.options(phase, question).items():
        yield f"{kind} {name}. {text}"


def what_to_type(lesson: OpenLesson) -> str:
    """Return in a sentence what can be typed now."""
    match phase := lesson.next_phase:
        case None:
            return "Type next, lessons, again or quit."
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
            budget = lesson.lesson.budget
            number = "a switch" if budget == 1 else f"up to {budget} switches"
            return f"Type defend and {number}: {either(switches)}."
    return f"Type {either(form.verb for form in lesson.forms(phase))}."


def form_lines(lesson: OpenLesson) -> Iterator[str]:
    """Yield what each move that can be made now does, and how it is typed."""
    for form in lesson.forms(lesson.next_phase) if lesson.next_phase else ():
        yield f"Move {form.verb}: {form.meaning}"
        yield f"  Type it as: {usage(form.verb)}"
        for argument in form.arguments:
            if len(argument.choices) > 1:
                yield f"  {argument.name} is {either(_choices(argument))}."


def _choices(argument: Argument) -> Iterator[str]:
    """Yield each choice as it is typed, with what it means where a form has other words for it."""
    for choice in argument.choices:
        typed, shown = quoted(choice), argument.shown(choice)
        if choice == "":
            yield "left out"
        else:
            yield typed if typed == shown.lower() else f"{typed} ({shown})"


def left_lines(lesson: OpenLesson) -> Iterator[str]:
    """Yield how many moves an attack may still have."""
    phase = lesson.next_phase
    if phase is LessonPhase.BREAK and not lesson.lesson.draws:
        left = lesson.attempt.moves_left
        again = " again starts this phase over." if lesson.attempt.has_begun(phase) else ""
        yield f"You have {left} {'move' if left == 1 else 'moves'}.{again}"
