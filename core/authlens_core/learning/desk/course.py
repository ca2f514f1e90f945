"""The lessons, and how far you are in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from authlens_core.learning.answers_file import AnswersFile, answers_from
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons, read_catalogue
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.guide.summary import (
    LessonSummary,
    lesson_json,
    misconceptions,
    misconceptions_line,
    summary_json,
)
from authlens_core.learning.guide.verdict_lines import answered, outcome_lines
from authlens_core.learning.lesson import CourseLesson, LessonPhase, Question
from authlens_core.learning.progress.progress_file import LessonProgress, ProgressFile, progress_name
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.values.errors import LessonRefused

__all__ = [
    "Course",
    "LessonPhase",
    "MissedQuestion",
]


class Course:
    """The lessons, and how far you are in each.

    Args:
        known: the lessons by their identifiers; those of the program if None.
        progress: how far you are in each; what is stored if None.
        refusals: why lessons of the folder cannot be used; the others can.
        seed: of every attempt; each has one of its own if None.
    """

    def __init__(
        self,
        known: Mapping[str, CourseLesson] | None = None,
        progress: ProgressFile | None = None,
        refusals: tuple[LessonRefused, ...] = (),
        seed: int | None = None,
    ) -> None:
        self._known = lessons() if known is None else known
        self._progress = progress
        self.refusals = refusals
        self._seed = seed

    @classmethod
    def of(cls, folder: Path | None, *, seed: int | None = None) -> Course:
        """Return the lessons of a folder, or of the program if None.

        Raises:
            LessonRefused: none of them can be used.
        """
        catalogue = read_catalogue(FOLDER if folder is None else folder)
        if catalogue.refusals and not catalogue.entries:
            raise catalogue.refusals[0]
        return cls(catalogue.lessons, refusals=catalogue.refusals, seed=seed)

    @cached_property
    def progress(self) -> ProgressFile:
        """How far you are in each lesson, stored."""
        return self._progress or ProgressFile.open()

    @property
    def names(self) -> tuple[str, ...]:
        """The identifiers of the lessons, in their order."""
        return tuple(self._known)

    def find(self, word: str) -> str:
        """Return the identifier of the lesson that has it, or this number; empty if none has."""
        numbered = {str(number): name for number, name in enumerate(self.names, 1)}
        return numbered.get(word, word if word in self.names else "")

    def lesson(self, name: str) -> CourseLesson:
        """Return a lesson; raises KeyError if there is none of this name."""
        return self._known[name]

    def listed(self) -> list[dict[str, Any]]:
        """Return the lessons as `learn --list --json` prints them."""
        return [summary_json(lesson) for lesson in self._known.values()]

    def shown(self, name: str) -> dict[str, Any]:
        """Return what a learner may know of a lesson before, as `learn show --json` prints it."""
        return lesson_json(self.lesson(name))

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
        known_as = {progress_name(lesson): lesson for lesson in self._known.values()}
        return tuple(
            LessonSummary(lesson, stored.get(own, LessonProgress(own))) for own, lesson in known_as.items()
        )

    def summary(self, name: str) -> LessonSummary:
        """Return one lesson with how far you are in it; see `summaries`."""
        return self.summaries()[self.names.index(name)]

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield headings and texts about all lessons: what you can do, and which misconceptions you met."""
        summaries = self.summaries()
        passed = [summary for summary in summaries if summary.passed]
        minutes = sum(summary.minutes for summary in summaries)
        lines = [f"- ✔ {one.lesson.number} {one.lesson.words.texts['can']} ({one.took})" for one in passed]
        yield f"What you can do: {len(passed)} of {len(summaries)} lessons, {minutes} min", "\n".join(lines)
        each = [misconceptions(one.lesson, one.progress) for one in summaries]
        met, refuted = (set[str]().union(*names) for names in zip(*each, strict=True))
        if met:
            yield "Misconceptions", misconceptions_line(met, refuted)
        yield "", "This is practice on this machine, and no proof of identity."

    def note(self) -> str:
        """Return how far you are, in a few words."""
        summaries = self.summaries()
        left = sum(summary.lesson.minutes for summary in summaries if not summary.passed)
        hours = f"{left // 60} h {left % 60} min" if left >= 60 else f"{left} min"
        passed = sum(summary.passed for summary in summaries)
        return f"{passed} of {len(summaries)} passed" + (f" · {hours} left" if left else "")

    def to_go_on_with(self) -> str:
        """Return the lesson that you stopped in, or else the first that is not passed; empty if all are."""
        open_ones = [summary for summary in self.summaries() if not summary.passed]
        begun = [summary for summary in open_ones if summary.progress.tries]
        return (begun or open_ones)[0].lesson.name if open_ones else ""

    def next_after(self, name: str) -> str:
        """Return the first lesson behind one that is not passed, or before it; empty if there is none."""
        start = self.names.index(name) + 1 if name else 0
        summaries = self.summaries()
        others = (*summaries[start:], *summaries[: max(start - 1, 0)])
        return next((one.lesson.name for one in others if not one.passed), "")

    def missed_before(self, name: str) -> MissedQuestion | None:
        """Return a question to ask again before a lesson is begun: one of another lesson that was missed."""
        summaries = self.summaries()
        starting = summaries[self.names.index(name)]
        if starting.begun:
            return None
        for summary in summaries:
            known = {question.name: question for question in summary.lesson.questions if question.right}
            for missed in summary.progress.missed:
                if missed in known:
                    return MissedQuestion(summary.lesson, known[missed], self.progress)
        return None

    def read_hint(self, name: str, phase: LessonPhase, step: int) -> tuple[str, int]:
        """Return a hint of a phase, from 1, and how many there are; that it was read is stored."""
        lesson = self.open(name)
        steps = lesson.hints(phase)
        lesson.note_hint(phase, step)
        return steps[step - 1], len(steps)

    async def start_over(self, name: str = "", phase: LessonPhase | None = None) -> int:
        """Start a phase, a lesson or all of them over, and return of how many lessons moves were archived.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        if not name:
            return self.progress.start_over()
        if not self.summary(name).progress.goes_on.moves:
            return 0
        if phase is None:
            own = progress_name(self.lesson(name))
            self.progress.change(own, lambda known: known.with_attempt(None))
        else:
            async with self.open(name) as lesson:
                await lesson.start_over(phase)
        return 1

    # -- what moves come to ----------------------------------------------------------------------------

    def answers(self, source: str | bytes, *, lesson: str = "") -> AnswersFile:
        """Return the moves of a file that a user named, or of what was on standard input; see `answers_from`.

        Raises:
            LessonRefused: they are no such file, or for another lesson; any of the course is fit without one.
        """
        given = answers_from(source, lesson=lesson)
        if given.lesson not in self.names:
            where = Path(source).name if isinstance(source, str) else "standard input"
            raise LessonRefused(f"{where}:1:1: there is no lesson “{given.lesson}”.")
        return given

    async def run(self, name: str, answers: AnswersFile, *, seed: int | None = None) -> AttemptOutcome:
        """Make the moves of a file.

        Args:
            seed: of the worlds, instead of that of the file.

        Raises:
            MoveRefused: one of them cannot be made.
            TimedOut: they took longer than 20 seconds.
        """
        seed = answers.seed if seed is None else seed
        return await attempt_of(self.lesson(name), answers.read(), seed=seed, order=answers.order)

    def verdict(self, outcome: AttemptOutcome) -> tuple[str, ...]:
        """Return the verdict on moves, a line for each thing to prove and for what comes nearest to it."""
        return tuple(outcome_lines(outcome))


class MissedQuestion(Struct, frozen=True):
    """A question that was answered wrong, and not right since."""

    lesson: CourseLesson
    question: Question
    progress: ProgressFile

    @property
    def text(self) -> str:
        return self.lesson.words.texts[f"questions/{self.question.name}"]

    @property
    def options(self) -> Mapping[str, str]:
        """The words of each option, by its letter."""
        return self.lesson.words.options(f"questions/{self.question.name}")

    def answer(self, option: str) -> str:
        """Store the answer, and return what to say to it."""
        name, right = self.question.name, self.question.right
        own = progress_name(self.lesson)
        self.progress.change(own, lambda known: known.with_answer(name, right=option == right))
        return answered(self.lesson, name, option, right)
