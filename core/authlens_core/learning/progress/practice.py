"""From the progress of a lesson, or a file of moves, to its entry in a record: the moves are made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.lesson_progress import LessonProgress, StoredAttempt
from authlens_core.learning.progress.record import LessonRecord, RecordedVerdict
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Practice:
    """What was done in a lesson; see `LessonRecord`."""

    lesson: CourseLesson
    moves: tuple[AnyMove, ...]
    seed: int
    tries: Mapping[LessonPhase, int] = field(default_factory=dict)
    hints: Mapping[LessonPhase, int] = field(default_factory=dict)
    seconds: int = 0
    met: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()

    def entry(self, verdict: RecordedVerdict) -> LessonRecord:
        """Return its entry in a record."""
        lesson = self.lesson
        return LessonRecord(
            lesson.name,
            lesson.version,
            f"sha256:{lesson.digest}",
            self.seed,
            verdict,
            self.tries,
            self.hints,
            self.seconds,
            self.met,
            self.refuted,
            self.moves,
        )

    async def recorded(self) -> tuple[LessonRecord, AttemptOutcome]:
        """Make the moves, and return the entry with what they came to.

        Raises:
            MoveRefused: one of them cannot be made.
            TimedOut: they took longer than 20 seconds.
        """
        outcome = await attempt_of(self.lesson, self.moves, seed=self.seed)
        return self.entry(RecordedVerdict.of(outcome)), outcome


def practice_of(lesson: CourseLesson, progress: LessonProgress) -> Practice | None:
    """Return the last attempt that passed the lesson, or the one that goes on; None before the first move."""
    attempts = [attempt for attempt in (*progress.archived, progress.attempt) if attempt and attempt.moves]
    if not attempts:
        return None
    chosen: StoredAttempt = next((one for one in reversed(attempts) if one.phase is None), attempts[-1])
    wrong = _wrong(lesson, [move for attempt in attempts for move in attempt.moves])
    return Practice(
        lesson,
        chosen.moves,
        chosen.seed,
        progress.tries,
        progress.hints,
        progress.seconds,
        tuple(wrong),
        tuple(name for name, question in wrong.items() if question not in progress.missed),
    )


def practice_in(lesson: CourseLesson, moves: Sequence[AnyMove], seed: int) -> Practice:
    """Return moves of a file, as one try."""
    return Practice(lesson, tuple(moves), seed, met=tuple(_wrong(lesson, moves)))


def _wrong(lesson: CourseLesson, moves: Sequence[AnyMove]) -> dict[str, str]:
    """Return the misconceptions behind wrong answers, each with its question."""
    cures = {question.name: question.cures for question in lesson.questions}
    answers = (move for move in moves if isinstance(move, AnswerMove))
    met = ((cures.get(one.question, {}).get(one.option), one.question) for one in answers)
    return {name: question for name, question in met if name}
