"""A lesson as lines, for a screen reader, a log or a pipe: the task, who said what, and what can be typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.move_text import MoveTextRefused, move_in, text_of
from authlens_core.learning.guide.offers import MoveForm, forms
from authlens_core.learning.guide.story import AROUND, StoryLine, held, is_around, parts, story
from authlens_core.learning.guide.verdict_lines import ClaimState, VerdictLine, prediction_line, verdict_lines
from authlens_core.learning.lesson import HINTS, QUESTIONS, QUESTIONS_TO_PASS, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, DefendMove, PointMove, PredictMove
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.shown_lesson import hints
from authlens_core.learning.words_file import LessonWords
from authlens_core.values.errors import AuthlensError
from authlens_core.values.exchange import Purpose
from authlens_core.values.secret import MASK
from authlens_tui.cli.terminal.output import answer_line

COMMANDS: Final = {
    "show": "every arrow so far. show 6 reads the parts of arrow 6.",
    "verdict": "what is proved, and what comes nearest to the rest.",
    "hint": "a hint for this phase. There are three; each time you read the next one.",
    "task": "this phase again, from its beginning.",
    "again": "start this phase over. again break starts that phase over.",
    "next": "the next lesson that you have not passed.",
    "lessons": "the list of lessons.",
    "quit": "stop. Your moves are stored, and you go on here the next time.",
}
_JUDGED: Final = frozenset({LessonPhase.RUN, LessonPhase.BREAK, LessonPhase.REPAIR})
_ONLY_IN: Final[dict[type[object], LessonPhase]] = {
    PointMove: LessonPhase.OBSERVE,
    DefendMove: LessonPhase.REPAIR,
    AnswerMove: LessonPhase.QUESTIONS,
}
_MARKUP: Final = re.compile(r"[`*]")


class PlainLesson:
    """Reads one line after another, and answers each with lines. Nothing is written twice, unless asked for.

    Args:
        title: of the lesson, with its number.
    """

    def __init__(self, recorded: RecordedAttempt, words: LessonWords, title: str) -> None:
        self._recorded = recorded
        self._lesson = recorded.lesson
        self._words = words
        self._title = title
        self._shown: dict[LessonPhase, int] = {}  # lines of the story of a world, by the phase that made it
        self._met: set[tuple[LessonPhase, str]] = set()
        self._commands: dict[str, Callable[[str], None]] = {
            "show": self._show,
            "verdict": lambda _: self._verdict(),
            "hint": lambda _: self._hint(),
            "task": lambda _: self._introduce(),
            "help": lambda _: self._help(),
        }

    @property
    def _attempt(self) -> LessonAttempt:
        return self._recorded.attempt

    @property
    def phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last question."""
        return self._attempt.next_phase

    @property
    def passed(self) -> bool:
        return self._attempt.outcome().passed

    async def begin(self) -> None:
        """Say what the lesson is, or where it goes on."""
        texts = self._words.texts
        answer_line(f"Lesson {self._title}")
        answer_line("Type help at any time.")
        self._say(texts["task"])
        if self._recorded.note:
            answer_line(f"! {self._recorded.note}")
        if self._recorded.resumed:
            answer_line("You go on where you stopped. Your moves were made again:")
            for number, move in enumerate(self._attempt.moves, 1):
                answer_line(f"Move {number}. {text_of(move)}")
        await self._enter()

    async def take(self, line: str) -> None:
        """Do what a line says: a move, or one of the commands that stay within the lesson."""
        command, _, rest = line.strip().partition(" ")
        try:
            if command.lower() in self._commands:
                self._commands[command.lower()](rest.strip())
            elif command.lower() == "again":
                await self._again(rest.strip())
            elif command:
                await self._make(self._move(line.strip()))
            else:
                self._say_what_to_type()
        except AuthlensError as error:
            answer_line(f"✖ {error.cause}")
            # How a move is typed here says more than how it is typed anywhere.
            if error.cure and not (isinstance(error, MoveTextRefused) and self._forms()):
                answer_line(str(error.cure))
            self._say_what_to_type()
            self._say_forms()

    def _move(self, line: str) -> AnyMove:
        number = len(self._attempt.made) + 1
        if line.lower() in {"a", "b", "c"}:  # the letter alone is an answer to what was asked last
            line = f"answer {self._question} {line}" if self._question else f"predict {line}"
        return move_in(line, number=number)

    @property
    def _question(self) -> str:
        """The question that was asked; empty in another phase."""
        if self.phase is not LessonPhase.QUESTIONS:
            return ""
        return next((q.name for q in self._lesson.questions if q.name not in self._attempt.answers), "")

    async def _make(self, move: AnyMove) -> None:
        before = self.phase
        wanted = _ONLY_IN.get(type(move))
        if wanted is not None and before is not None and before is not wanted:
            raise MoveTextRefused(f"{move.verb} is for the phase {wanted.value}, and this is {before.value}.")
        if wanted is LessonPhase.REPAIR:
            self._forget(wanted)
        await self._recorded.make(move)
        answer_line(f"Move {len(self._attempt.made)}. {text_of(move)}")
        made_in = self._attempt.made[-1].phase
        if made_in in _JUDGED:
            self._say_story(made_in)
            self._say_met(made_in)
        self._say_judged(move)
        if self.phase is not before:
            if before is not None and before in _JUDGED and before is made_in:
                answer_line(f"✔ Phase {before.value} is done.")
            if made_in is self._lesson.prediction.judged_on:
                for line in prediction_line(self._attempt.outcome(), self._words):
                    self._say(line)
            await self._enter()
        elif isinstance(move, AnswerMove):
            self._introduce()
        elif made_in in _JUDGED:
            self._say_open(made_in)
            self._say_what_to_type()
            self._say_moves_left()

    async def _again(self, name: str) -> None:
        known = [phase.value for phase in LessonPhase]
        if name and name not in known:
            raise MoveTextRefused(f"There is no phase “{name}”.", f"Type again and {_either(known)}.")
        phase = LessonPhase(name) if name else self.phase or LessonPhase.QUESTIONS
        await self._recorded.start_over(phase)
        for other in LessonPhase:
            if not self._attempt.has_begun(other):
                self._forget(other)
        answer_line(f"Phase {phase.value} starts over. What you did is archived.")
        await self._enter()

    def _forget(self, phase: LessonPhase) -> None:
        """Have what happens in a phase be written again, because it is made again."""
        self._shown.pop(phase, None)
        self._met = {met for met in self._met if met[0] is not phase}

    # What is written

    def _say(self, markdown: str) -> None:
        """Write a text of the lesson, a line for each paragraph."""
        for paragraph in re.split(r"\n\s*\n|\n(?=[-*] )", _MARKUP.sub("", markdown)):
            answer_line(" ".join(paragraph.split()))

    async def _enter(self) -> None:
        """Say what comes next."""
        if self.phase is LessonPhase.BREAK and not self._lesson.attack.causes:
            await self._attempt.prepare_attack()
        self._introduce()

    def _introduce(self) -> None:
        phase, texts, lesson = self.phase, self._words.texts, self._lesson
        if phase is None:
            self._say_result()
            return
        if question := self._question:
            number = [one.name for one in lesson.questions].index(question) + 1
            self._say(f"Question {question}, {number} of {QUESTIONS}. {texts[f'questions/{question}']}")
            self._say_options(f"questions/{question}", "abc")
        else:
            self._say(f"Phase {phase.value}. {texts[phase.value]}".strip())
        if phase is LessonPhase.PREDICT:
            self._say_options("predict", lesson.prediction.options)
        if phase in _JUDGED:
            for number, _ in enumerate(lesson.claims_of(phase), 1):
                self._say(f"To prove {number}. {texts[f'{phase.value}/claim {number}']}")
            self._say_story(phase)
            self._say_held(phase)
        if phase is LessonPhase.REPAIR:
            for switch in lesson.repair.offer:
                self._say(f"Switch {switch}. {texts[f'repair/{switch}']}")
        self._say_what_to_type()
        self._say_forms()

    def _say_options(self, name: str, letters: Iterable[str]) -> None:
        for letter in letters:
            self._say(f"Option {letter}. {self._words.texts[f'{name}/{letter}']}")

    def _say_held(self, phase: LessonPhase) -> None:
        world = self._attempt.world_of(phase) if phase is LessonPhase.BREAK else None
        for name, value in () if world is None else held(world):
            answer_line(f"You hold ${name}: {_unmasked(value)}.")

    def _say_story(self, phase: LessonPhase, *, again: bool = False) -> None:
        """Write what happened in the world of a phase and was not written yet."""
        if phase is LessonPhase.REPAIR and not (self._lesson.repair.offer and self._attempt.has_begun(phase)):
            phase = LessonPhase.BREAK  # its world, and not yet another one
        if phase is LessonPhase.BREAK and self._lesson.attack.causes:
            phase = LessonPhase.RUN
        lines = story(self._attempt.world_of(phase))
        for line in lines[0 if again else self._shown.get(phase, 0) :]:
            answer_line(_sentence(line))
        self._shown[phase] = len(lines)

    def _lines(self, phase: LessonPhase) -> tuple[VerdictLine, ...]:
        return verdict_lines(self._attempt.verdict(phase), self._words)

    def _say_met(self, phase: LessonPhase) -> None:
        """Write the claims that hold now and did not before."""
        for line in self._lines(phase):
            if line.state is ClaimState.MET and (phase, line.words) not in self._met:
                self._met.add((phase, line.words))
                self._say(f"✔ {line.words}")

    def _say_open(self, phase: LessonPhase) -> None:
        for line in self._lines(phase):
            if line.state is not ClaimState.MET:
                self._say(f"Not proved yet: {line.words} Type verdict to read what comes nearest.")
                return

    def _say_judged(self, move: AnyMove) -> None:
        """Say what a move was worth where no claim says it."""
        match move:
            case PredictMove():
                answer_line(f"You predict {move.option}. Now find out.")
            case PointMove():
                world = self._attempt.world_of(LessonPhase.RUN)
                arrow = _arrow(story(world), move.arrow)
                found = parts(world, arrow.row) if world is not None and arrow is not None else ()
                meaning = next((part.meaning for part in found if part.name == move.part), "")
                if self._attempt.verdict(LessonPhase.OBSERVE).passed:
                    self._say(f"✔ That is it. {meaning}")
                else:
                    if arrow is not None and is_around(arrow, move.part, self._lesson.observation.parts):
                        meaning = AROUND
                    self._say(f"✖ It is not {move.part} of arrow {move.arrow}. {meaning} Point again.")
            case AnswerMove():
                question = next(one for one in self._lesson.questions if one.name == move.question)
                right = next(iter(self._attempt.right_options(question)), move.option)
                words = self._words.texts[f"questions/{question.name}/{right}"]
                self._say("✔ Right." if move.option == right else f"✖ No. It is {right}: {words}")

    def _say_result(self) -> None:
        outcome = self._attempt.outcome()
        if outcome.passed:
            answer_line(f"✔ You passed: {outcome.right_answers} of {QUESTIONS} answers are right.")
            answer_line("Type next for the next lesson, lessons for the list, or quit.")
            return
        answer_line(
            f"✖ Not passed: {outcome.right_answers} of {QUESTIONS} answers are right, "
            f"and {QUESTIONS_TO_PASS} have to be. Type again to answer the questions again."
        )

    def _say_what_to_type(self) -> None:
        answer_line(self._to_type())

    def _to_type(self) -> str:
        phase, lesson = self.phase, self._lesson
        match phase:
            case None:
                return "Type next, lessons, again or quit."
            case LessonPhase.PREDICT:
                return f"Type predict and a letter: {_either(lesson.prediction.options)}."
            case LessonPhase.QUESTIONS:
                return f"Type answer {self._question} and a letter: a, b or c."
            case LessonPhase.OBSERVE:
                return (
                    "Type show and the number of an arrow to read its parts, such as show 1. "
                    "Then type point, the number and the part, such as point 1 status."
                )
            case LessonPhase.REPAIR if lesson.repair.offer:
                most = f"up to {lesson.repair.budget} switches" if lesson.repair.budget > 1 else "a switch"
                return f"Type defend and {most}."
        return f"Type {_either(form.verb for form in self._forms())}."

    def _say_forms(self) -> None:
        """Say what each move of this phase does, and how it is typed."""
        for form in self._forms():
            answer_line(f"Move {form.verb}: {form.meaning}")
            answer_line(f"  Type it as: {text_of(form.move({}))}")
            for argument in form.arguments:
                if len(argument.choices) > 1:
                    answer_line(f"  {argument.name} is {_either(map(str, argument.choices))}.")
        self._say_moves_left()

    def _say_moves_left(self) -> None:
        if self.phase is LessonPhase.BREAK and not self._lesson.attack.causes:
            left = self._lesson.attack.most - sum(made.phase is self.phase for made in self._attempt.made)
            answer_line(f"You have {left} {'move' if left == 1 else 'moves'}.")

    def _forms(self) -> tuple[MoveForm, ...]:
        if self.phase is None:
            return ()
        world = self._attempt.world_of(self.phase)
        return forms(self._lesson, self.phase, () if world is None else world.loot)

    # The commands

    def _show(self, number: str) -> None:
        phase = self.phase or LessonPhase.QUESTIONS
        world = self._attempt.world_of(phase)
        lines = story(world)
        if not number or world is None:
            if not lines:
                answer_line("Nothing was sent yet.")
            self._say_story(phase, again=True)
            return
        arrow = _arrow(lines, int(number)) if number.isascii() and number.isdigit() else None
        if arrow is None:
            answer_line(
                f"✖ There is no such arrow. The last one is {max((li.arrow for li in lines), default=0)}."
            )
            return
        answer_line(_sentence(arrow))
        place = ""
        for part in parts(world, arrow.row):
            if part.place != place:
                place = part.place
                answer_line(f"{place}:")
            answer_line(
                f"Part {part.name}: {_unmasked(part.value)}. {_MARKUP.sub('', part.meaning)}".rstrip()
            )

    def _verdict(self) -> None:
        for verdict in self._attempt.outcome().phases:
            state = "passed" if verdict.passed else "not passed" if verdict.begun else "to do"
            answer_line(f"Phase {verdict.phase.value}: {state}.")
            if verdict.phase in _JUDGED and verdict.begun:
                for line in self._lines(verdict.phase):
                    sign = "To do: " if line.state is ClaimState.OPEN else f"{line.state.value} "
                    self._say(f"{sign}{line.words}")
                    for detail in line.details:
                        answer_line(f"  {_spoken(detail)}.")
        for text in prediction_line(self._attempt.outcome(), self._words):
            self._say(text)

    def _hint(self) -> None:
        phase = self.phase
        texts = () if phase is None else hints(self._words, phase)
        if phase is None or not texts:
            answer_line("There is no hint here.")
            return
        step = self._recorded.next_hint(phase)
        self._say(f"Hint {step} of {HINTS}. {texts[step - 1]}")

    def _help(self) -> None:
        self._say_what_to_type()
        self._say_forms()
        for name, meaning in COMMANDS.items():
            answer_line(f"{name}: {meaning}")


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _sentence(line: StoryLine) -> str:
    if line.receiver:
        purpose = Purpose[str(line.row.values["purpose"]).upper()].value
        said = f"Arrow {line.arrow}. {line.sender} to {line.receiver}. {line.words}. Answer {line.answer}."
        return f"{said} Purpose: {purpose}." if purpose else said
    at = f"At arrow {line.arrow}, " if line.arrow else "Event: "
    return f"{at}{line.sender} {line.words}."


def _unmasked(value: str) -> str:
    """Return a value with words for its mask; the fingerprint tells two secrets apart."""
    return value.replace(f"{MASK} #", "secret #")


def _spoken(detail: str) -> str:
    """Return a line of the verdict without the arrows of a diagram."""
    return detail.replace(" → ", " to ", 1).replace(" → ", ", answer ")


def _arrow(lines: Iterable[StoryLine], number: int) -> StoryLine | None:
    return next((line for line in lines if line.receiver and line.arrow == number), None)
