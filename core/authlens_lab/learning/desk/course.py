"""The lessons, and how far you are in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from authlens_core.values.errors import AuthlensError, LessonRefused
from authlens_lab.learning.attempt import attempt_of
from authlens_lab.learning.catalogue import FOLDER, drills, lessons, read_catalogue
from authlens_lab.learning.desk.open_lesson import OpenLesson
from authlens_lab.learning.lesson import CourseLesson, Question
from authlens_lab.learning.lines import LessonLines, answer_text
from authlens_lab.learning.moves import LessonPhase
from authlens_lab.learning.progress import (
    LessonProgress,
    ProgressFile,
    moves_from,
    new_progress,
    progress_name,
)

__all__ = [
    "Course",
    "CourseLesson",
    "LessonPhase",
    "LessonSummary",
    "MissedQuestion",
    "drills",
]

_START: Final = "Enter starts. Everything happens inside this program."


class LessonSummary(Struct, frozen=True):
    """A lesson and your progress in it, without right answers that you have not given yet."""

    lesson: CourseLesson
    progress: LessonProgress

    @property
    def passed(self) -> bool:
        return bool(self.progress.passed_version)

    @property
    def stopped_at(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last."""
        passed = self.progress.passed
        return next((phase for phase in self.lesson.phases if phase not in passed), None)

    @property
    def took(self) -> str:
        """How many hints were read, and questions answered right, in words."""
        hints = sum(self.progress.hints.values())
        questions = len(self.lesson.questions)
        right = f" · {self.progress.right} of {questions} questions right" if questions else ""
        return f"{hints} {'hint' if hints == 1 else 'hints'}{right}"

    @property
    def state(self) -> str:
        """How far you are, in a few words."""
        version = self.progress.passed_version
        states = list[str]()
        if self.passed:
            states.append("passed" if version == self.lesson.version else f"passed (version {version})")
        if self.progress.moves and self.stopped_at:
            states.append(f"stopped at {self.stopped_at.value}")
        return " · ".join(states) or "to do"

    @property
    def dots(self) -> str:
        """A sign for each phase, after one for a lesson that was passed."""
        signs = "".join("●" if phase in self.progress.passed else "○" for phase in self.lesson.phases)
        return f"{'✔' if self.passed else ' '}{signs}"

    def card(self) -> tuple[tuple[str, str], ...]:
        """Return headings with their texts: what the lesson is for, and how far you are."""
        lesson = self.lesson
        where = _START
        if self.progress.moves and self.stopped_at is None:
            where = "You passed it. Enter shows it again."
        elif self.progress.moves and self.stopped_at:
            where = f"You stopped at {self.stopped_at.value}. Enter makes your moves again and goes on there."
        return (
            ("You can then", lesson.can),
            ("It corrects", lesson.cures),
            ("", f"{lesson.minutes} minutes · {', '.join(lesson.specs)}"),
            *(() if lesson.built_in else (("", "This lesson is not from this program."),)),
            ("", where),
        )

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield headings and texts about the lesson, when it has just ended."""
        lesson = self.lesson
        if self.passed:
            yield f"✔ Passed: {lesson.heading}", f"You can now {lesson.can}."
            yield "What it corrects", lesson.cures
        else:
            needed = f"{lesson.right_to_pass} right answers are needed. Press t to answer them again."
            yield f"○ Not passed yet: {lesson.heading}", needed
        yield "What it took", self.took
        for question in self.progress.missed:
            yield "A question to look at again", lesson.text(LessonPhase.QUESTIONS, question)

    def as_json(self) -> dict[str, Any]:
        """Return it as `learn progress --json` prints it."""
        return {"id": self.lesson.name, "phase": self.stopped_at, **asdict(self.progress)}


class Course:
    """The lessons, and how far you are in each.

    Args:
        every_lesson: the lessons by their identifiers; those of the program if None.
        progress: how far you are in each; what is stored if None.
        refusals: why lessons of the folder cannot be used; the others can.
        seed: of every attempt; each has one of its own if None.
    """

    def __init__(
        self,
        every_lesson: Mapping[str, CourseLesson] | None = None,
        progress: ProgressFile | None = None,
        refusals: tuple[LessonRefused, ...] = (),
        seed: int | None = None,
    ) -> None:
        self._lessons = lessons() if every_lesson is None else every_lesson
        self._progress = progress
        self.refusals = refusals
        self._seed = seed

    @classmethod
    def from_folder(cls, folder: Path | None, *, seed: int | None = None) -> Course:
        """Return the lessons of a file or folder, or of the program if None.

        Raises:
            LessonRefused: none of them can be used.
        """
        if folder is None or folder == FOLDER:
            return cls(seed=seed)
        catalogue = read_catalogue(folder)
        if catalogue.refusals and not catalogue.lessons:
            raise catalogue.refusals[0]
        return cls(catalogue.lessons, refusals=catalogue.refusals, seed=seed)

    @classmethod
    def from_state(cls) -> Course:
        """Return the lessons of the program; progress stays in memory if the stored one is damaged."""
        course = cls()
        try:
            course.summaries()
        except AuthlensError:
            return cls(progress=ProgressFile(None))
        return course

    @property
    def has_drills(self) -> bool:
        """Whether the drills belong to it: the lessons are those of the program."""
        return all(lesson.built_in for lesson in self._lessons.values())

    @cached_property
    def progress(self) -> ProgressFile:
        """How far you are in each lesson, stored."""
        return self._progress or ProgressFile.open()

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers of the lessons, in their order."""
        return tuple(self._lessons)

    def find(self, word: str) -> str:
        """Return the identifier of the lesson that has it, or this number; empty if none has."""
        numbered = {str(number): name for number, name in enumerate(self.names, 1)}
        return numbered.get(word, word if word in self.names else "")

    def lesson(self, name: str) -> CourseLesson:
        """Return a lesson; raise KeyError for an unknown name."""
        return self._lessons[name]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the lessons as `learn --list --json` prints them."""
        members = ("title", "can", "minutes", "needs", "version", "built_in")
        return [
            {"id": name, **{member: getattr(lesson, member) for member in members}}
            for name, lesson in self._lessons.items()
        ]

    def details(self, name: str) -> dict[str, Any]:
        """Return what `learn show --json` prints: nothing that gives a solution away.

        It has no hint and no right answer.
        """
        lesson = self.lesson(name)
        members = ("version", "title", "can", "cures", "task", "specs", "minutes")
        return {
            "id": name,
            **{member: getattr(lesson, member) for member in members},
            "phases": {phase.value: _phase(lesson, phase) for phase in lesson.phases},
        }

    # -- how far you are -------------------------------------------------------------------------------

    def open(self, name: str) -> OpenLesson:
        """Return a lesson to do. Use it as an asynchronous context manager: it goes on where it stopped."""
        return OpenLesson(self.lesson(name), self.progress, seed=self._seed)

    def summaries(self) -> tuple[LessonSummary, ...]:
        """Return each lesson with how far you are in it.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        stored = self.progress.read()
        names = {progress_name(lesson): lesson for lesson in self._lessons.values()}
        return tuple(
            LessonSummary(lesson, stored.get(name, new_progress(name))) for name, lesson in names.items()
        )

    def summary(self, name: str) -> LessonSummary:
        """Return one lesson with how far you are in it; see `summaries`."""
        return self.summaries()[self.names.index(name)]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield headings and texts about all lessons: what you can do."""
        summaries = self.summaries()
        passed = [summary for summary in summaries if summary.passed]
        lines = [f"- ✔ {one.lesson.number} {one.lesson.can} ({one.took})" for one in passed]
        yield f"What you can do: {len(passed)} of {len(summaries)} lessons", "\n".join(lines)
        yield "", "This is practice on this machine, and no proof of identity."

    def note(self) -> str:
        """Return how far you are, in a few words."""
        summaries = self.summaries()
        return f"{sum(summary.passed for summary in summaries)} of {len(summaries)} passed"

    def to_go_on_with(self) -> str:
        """Return the lesson that you stopped in, or else the first that is not passed; empty if all are."""
        open_ones = [summary for summary in self.summaries() if not summary.passed]
        begun = [summary for summary in open_ones if summary.progress.moves]
        return (begun or open_ones)[0].lesson.name if open_ones else ""

    def next_after(self, name: str) -> str:
        """Return the next lesson that is not passed, wrapping around; empty if all are."""
        start = self.names.index(name) + 1 if name else 0
        summaries = self.summaries()
        others = (*summaries[start:], *summaries[: max(start - 1, 0)])
        return next((one.lesson.name for one in others if not one.passed), "")

    def missed_before(self, name: str) -> MissedQuestion | None:
        """Return a missed question of another lesson, to be asked again before a lesson begins."""
        summaries = self.summaries()
        starting = summaries[self.names.index(name)]
        if starting.progress.moves or starting.passed:
            return None
        for summary in summaries:
            for question in summary.lesson.questions:
                if question.right and question.name in summary.progress.missed:
                    return MissedQuestion(summary.lesson, question, self.progress)
        return None

    def read_hint(self, name: str, phase: LessonPhase, step: int) -> tuple[str, int]:
        """Return a hint of a phase, from 1, and how many there are; store that it was read.

        Raises:
            LessonRefused: the lesson has no such phase.
        """
        lesson = self.open(name)
        steps = lesson.hints(phase)
        if not steps:
            raise LessonRefused(f"“{name}” has no hints for {phase.value}.")
        lesson.note_hint(phase, step)
        return steps[step - 1], len(steps)

    async def start_over(self, name: str = "", phase: LessonPhase | None = None) -> bool:
        """Start a phase, a lesson or all of them over, drills too; return whether there were any moves.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        stored_name = progress_name(self.lesson(name)) if name else ""
        had_moves = any(one.moves for each, one in self.progress.read().items() if stored_name in {"", each})
        if had_moves and phase is not None:
            async with self.open(name) as lesson:
                await lesson.start_over(phase)
        elif had_moves:
            self.progress.change_all(
                lambda all_of_them: {
                    each: _without_moves(one) if stored_name in {"", each} else one
                    for each, one in all_of_them.items()
                }
            )
        return had_moves

    # -- what moves come to ----------------------------------------------------------------------------

    async def run(self, name: str, source: str | bytes, *, seed: int | None = None) -> LessonLines:
        """Make the moves of a file that a user named, or of standard input.

        Args:
            seed: of the worlds, instead of that of the file.

        Raises:
            LessonRefused: it is not a file of moves, or has none for this lesson.
            MoveRefused: one of them cannot be made.
            TimedOut: they took longer than 20 seconds.
        """
        lesson = self.lesson(name)
        stored = moves_from(source, name, is_own=not lesson.built_in)
        seed = stored.seed if seed is None else seed
        return LessonLines(await attempt_of(lesson, stored.read(), seed=seed, order=stored.order))


def _phase(lesson: CourseLesson, phase: LessonPhase) -> dict[str, Any]:
    """Return the members of a phase for `learn show --json`."""
    claims = [{"text": claim.text, "words": claim.sentence} for claim in lesson.claims_of(phase)]
    entry: dict[str, Any] = {"text": lesson.text(phase), "claims": claims}
    attack = lesson.attack
    repair = lesson.repair
    match phase:
        case LessonPhase.PREDICT:
            entry |= {"options": lesson.prediction.words, "moves": ("predict",)}
        case LessonPhase.BREAK:
            entry |= {
                "loot": [f"${name}" for name in attack.loot],
                "moves": attack.moves,
                "most": attack.most,
            }
            entry |= {"causes": attack.causes}
        case LessonPhase.REPAIR:
            entry |= {"options": repair.offer, "moves": repair.moves or ("defend",), "budget": repair.budget}
        case LessonPhase.QUESTIONS:
            questions = lesson.questions
            entry["questions"] = [
                {"id": one.name, "text": one.text, "options": one.words} for one in questions
            ]
        case _:
            entry["moves"] = ("login",) if phase is LessonPhase.RUN else ("point",)
    return {name: value for name, value in entry.items() if value}


def _without_moves(progress: LessonProgress) -> LessonProgress:
    return replace(progress, moves=(), passed=(), right=0, held="")


class MissedQuestion(Struct, frozen=True):
    """A question that was answered wrong and has not been answered right since."""

    lesson: CourseLesson
    question: Question
    progress: ProgressFile

    @property
    def text(self) -> str:
        return self.question.text

    @property
    def options(self) -> Mapping[str, str]:
        """The words of each option, by its letter."""
        return self.question.words

    def answer(self, option: str) -> str:
        """Store the answer, and return what to say to it."""
        name = self.question.name
        right = self.question.right
        stored_name = progress_name(self.lesson)
        self.progress.change(stored_name, lambda progress: progress.with_answer(name, right=option == right))
        return answer_text(self.lesson, name, option, right)
