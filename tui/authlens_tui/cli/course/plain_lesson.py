"""A lesson in a dialogue of lines: one is typed, and answered by others. Nothing is written twice unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.move_text import MoveTextRefused, move_in, text_of
from authlens_core.learning.guide.said import worth
from authlens_core.learning.guide.story import story
from authlens_core.learning.guide.verdict_lines import ClaimState, prediction_line, verdict_lines
from authlens_core.learning.lesson import HINTS, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.shown_lesson import hints
from authlens_core.learning.words_file import LessonWords
from authlens_core.values.errors import AuthlensError
from authlens_tui.cli.course import lesson_lines
from authlens_tui.cli.course.lesson_lines import JUDGED, plain_text
from authlens_tui.cli.terminal.output import answer_line

COMMANDS: Final = {
    "show": "every arrow so far. show 6 reads the parts of arrow 6.",
    "verdict": "what is proved, and what comes nearest to the rest.",
    "hint": "a hint for this phase. There are three; each time you read the next one.",
    "task": "this phase again, from its beginning.",
    "undo": "take the last move back.",
    "again": "start this phase over. again break starts that phase over.",
    "next": "the next lesson that you have not passed.",
    "lessons": "the list of lessons.",
    "quit": "stop. Your moves are stored, and you go on here the next time.",
}
_ONLY_IN: Final[dict[type[object], LessonPhase]] = {
    PointMove: LessonPhase.OBSERVE,
    DefendMove: LessonPhase.REPAIR,
    AnswerMove: LessonPhase.QUESTIONS,
}


class PlainLesson:
    """Answers what is typed in a lesson.

    Args:
        title: of the lesson, with its number.
    """

    def __init__(self, recorded: RecordedAttempt, words: LessonWords, title: str) -> None:
        self._recorded = recorded
        self._words = words
        self._title = title
        self._shown: dict[LessonPhase, int] = {}  # lines of the story of a world, by the phase that made it
        self._met: set[tuple[LessonPhase, str]] = set()
        self._held: set[str] = set()
        self._commands: dict[str, Callable[[str], None]] = {
            "show": self._show,
            "verdict": lambda _: say_texts(lesson_lines.outcome_lines(self._attempt, self._words)),
            "hint": lambda _: self._hint(),
            "task": lambda _: self._introduce(),
            "help": lambda _: self._help(),
        }

    @property
    def _attempt(self) -> LessonAttempt:
        return self._recorded.attempt

    @property
    def passed(self) -> bool:
        return self._attempt.outcome().passed

    async def begin(self) -> None:
        """Say what the lesson is, or where it goes on."""
        say_texts([f"Lesson {self._title}", "Type help at any time.", self._words.texts["task"]])
        if self._recorded.note:
            say_texts([f"! {self._recorded.note}"])
        if self._recorded.resumed:
            say_texts(["You go on where you stopped. Your moves were made again:"])
            say_texts(f"Move {number}. {text_of(move)}" for number, move in enumerate(self._attempt.moves, 1))
        await self._enter()

    async def take(self, line: str) -> None:
        """Do what a line says: a move, or one of the commands that stay within the lesson."""
        command, _, rest = line.strip().partition(" ")
        try:
            if command.lower() in self._commands:
                self._commands[command.lower()](rest.strip())
            elif command.lower() == "again":
                await self._again(rest.strip())
            elif command.lower() == "undo":
                await self._undo()
            elif command:
                await self._make(self._move(line.strip()))
            else:
                say_texts([lesson_lines.what_to_type(self._attempt)])
        except AuthlensError as error:
            # How a move is typed here says more than how it is typed anywhere.
            here = isinstance(error, MoveTextRefused) and lesson_lines.forms_of(self._attempt)
            say_texts([f"✖ {error.cause}", *([str(error.cure)] if error.cure and not here else ())])
            self._say_what_to_type()

    def _move(self, line: str) -> AnyMove:
        if line.lower() in {"a", "b", "c"}:  # the letter alone is an answer to what was asked last
            question = lesson_lines.question_of(self._attempt)
            line = f"answer {question} {line}" if question else f"predict {line}"
        return move_in(line, number=len(self._attempt.made) + 1)

    async def _make(self, move: AnyMove) -> None:
        before = self._attempt.next_phase
        wanted = _ONLY_IN.get(type(move))
        if wanted is not None and before is not None and before is not wanted:
            raise MoveTextRefused(f"{move.verb} is for the phase {wanted.value}, and this is {before.value}.")
        if wanted is LessonPhase.REPAIR:
            self._forget(wanted)
        await self._recorded.make(move)
        say_texts([f"Move {len(self._attempt.made)}. {text_of(move)}"])
        made_in = self._attempt.made[-1].phase
        is_over = self._attempt.next_phase is not before
        if made_in in JUDGED:
            self._say_story(made_in)
            say_texts(self._newly_met(made_in))
        if made_in in JUDGED and is_over:
            say_texts([f"✔ Phase {made_in.value} is done."])
        elif made_in not in JUDGED or isinstance(move, DefendMove):
            say_texts([worth(move, self._attempt, self._words, made_in)])
        if is_over and made_in is self._attempt.lesson.prediction.judged_on:
            say_texts(prediction_line(self._attempt.outcome(), self._words))
        if is_over or made_in is LessonPhase.QUESTIONS:
            await self._enter()
        elif made_in in JUDGED:
            say_texts(self._first_open(made_in))
            self._say_what_to_type(briefly=not self._say_held(made_in))

    async def _again(self, name: str) -> None:
        known = [phase.value for phase in LessonPhase]
        if name and name not in known:
            phases = lesson_lines.either(known)
            raise MoveTextRefused(f"There is no phase “{name}”.", f"Type again and {phases}.")
        phase = LessonPhase(name) if name else self._attempt.next_phase or LessonPhase.QUESTIONS
        await self._recorded.start_over(phase)
        for other in LessonPhase:
            if not self._attempt.has_begun(other):
                self._forget(other)
        say_texts([f"Phase {phase.value} starts over. What you did is archived."])
        await self._enter()

    async def _undo(self) -> None:
        if not self._attempt.made:
            raise MoveTextRefused("There is no move to take back.")
        phase = self._attempt.made[-1].phase
        await self._recorded.undo()
        self._forget(phase)
        say_texts(["The last move is taken back."])
        await self._enter()

    def _forget(self, phase: LessonPhase) -> None:
        """Have what happens in a phase be written again, because it is made again."""
        self._shown.pop(phase, None)
        self._met = {met for met in self._met if met[0] is not phase}
        self._held = set()

    async def _enter(self) -> None:
        """Say what comes next."""
        if self._attempt.next_phase is LessonPhase.BREAK and not self._attempt.lesson.attack.causes:
            await self._attempt.prepare_attack()
        self._introduce()

    def _introduce(self) -> None:
        say_texts(lesson_lines.introduction(self._attempt, self._words))
        phase = self._attempt.next_phase
        if phase in JUDGED:
            self._say_story(phase)
            self._say_held(phase)
        self._say_what_to_type()

    def _say_held(self, phase: LessonPhase) -> bool:
        """Write what you hold and was not written yet; return whether there was any."""
        world = self._attempt.world_of(phase) if phase is LessonPhase.BREAK else None
        new = [line for line in lesson_lines.held_lines(world) if line not in self._held] if world else []
        self._held |= set(new)
        say_texts(new)
        return bool(new)

    def _say_what_to_type(self, *, briefly: bool = False) -> None:
        say_texts([lesson_lines.what_to_type(self._attempt)])
        say_texts(() if briefly else lesson_lines.form_lines(self._attempt))
        say_texts(lesson_lines.left_lines(self._attempt))

    def _say_story(self, phase: LessonPhase, *, again: bool = False) -> None:
        """Write what happened in the world of a phase and was not written yet."""
        lesson = self._attempt.lesson
        if phase is LessonPhase.REPAIR and not (lesson.repair.offer and self._attempt.has_begun(phase)):
            phase = LessonPhase.BREAK  # its world, and not yet another one
        if phase is LessonPhase.BREAK and lesson.attack.causes:
            phase = LessonPhase.RUN
        lines = story(self._attempt.world_of(phase))
        say_texts(map(lesson_lines.story_line, lines[0 if again else self._shown.get(phase, 0) :]))
        self._shown[phase] = len(lines)

    def _newly_met(self, phase: LessonPhase) -> Iterator[str]:
        for line in verdict_lines(self._attempt.verdict(phase), self._words):
            if line.state is ClaimState.MET and (phase, line.words) not in self._met:
                self._met.add((phase, line.words))
                yield f"✔ {line.words}"

    def _first_open(self, phase: LessonPhase) -> Iterator[str]:
        for line in verdict_lines(self._attempt.verdict(phase), self._words):
            if line.state is not ClaimState.MET:
                yield f"Not proved yet: {line.words} Type verdict to read what comes nearest."
                return

    # The commands

    def _show(self, number: str) -> None:
        phase = self._attempt.next_phase or LessonPhase.QUESTIONS
        world = self._attempt.world_of(phase)
        if world is None:
            say_texts(["Nothing was sent yet."])
        elif not number:
            self._say_story(phase, again=True)
        else:
            arrows = {str(line.arrow): line for line in story(world) if line.receiver}
            if number not in arrows:
                say_texts([f"✖ There is no such arrow. The last one is {len(arrows)}."])
                return
            answer_line(lesson_lines.story_line(arrows[number]))
            for line in lesson_lines.part_lines(world, arrows[number]):
                answer_line(line)  # a value on the wire is no Markdown

    def _hint(self) -> None:
        phase = self._attempt.next_phase
        texts = () if phase is None else hints(self._words, phase)
        if phase is None or not texts:
            say_texts(["There is no hint here."])
            return
        step = self._recorded.next_hint(phase)
        say_texts([f"Hint {step} of {HINTS}. {texts[step - 1]}"])

    def _help(self) -> None:
        self._say_what_to_type()
        say_texts(f"{name}: {meaning}" for name, meaning in COMMANDS.items())


def say_texts(texts: Iterable[str]) -> None:
    """Write texts of a lesson, a line for each paragraph."""
    for text in texts:
        for line in plain_text(text):
            answer_line(line)
