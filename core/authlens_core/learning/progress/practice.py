"""From the progress of a lesson, or a file of moves, to its entry in a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.moves import AnswerMove, AnyMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.lesson_progress import LessonProgress, progress_name
from authlens_core.learning.progress.record import LessonRecord, PracticeRecord, RecordedVerdict
from authlens_core.values.quick_dataclass import dataclass


def entry_of(progress: LessonProgress) -> LessonRecord | None:
    """Return the last attempt that passed a lesson, or the one that goes on; None before the first move.

    The verdict is the stored one, and the misconceptions are not known.
    """
    attempts = [attempt for attempt in (*progress.archived, progress.attempt) if attempt and attempt.moves]
    if not attempts:
        return None
    chosen = next((one for one in reversed(attempts) if one.phase is None), attempts[-1])
    return LessonRecord(
        lesson=progress.lesson.rpartition("/")[2],
        version=chosen.version,
        digest=f"sha256:{chosen.digest}",
        seed=chosen.seed,
        verdict=RecordedVerdict(chosen.phase is None, chosen.passed, chosen.right),
        tries=progress.tries,
        hints=progress.hints,
        seconds=progress.seconds,
        moves=chosen.moves,
    )


def with_misconceptions(entry: LessonRecord, lesson: CourseLesson, progress: LessonProgress) -> LessonRecord:
    """Return an entry with the misconceptions behind the wrong answers of every attempt."""
    attempts = [attempt for attempt in (*progress.archived, progress.attempt) if attempt]
    wrong = _wrong(lesson, [move for attempt in attempts for move in attempt.moves])
    refuted = tuple(name for name, question in wrong.items() if question not in progress.missed)
    return msgspec.structs.replace(entry, met=tuple(wrong), refuted=refuted)


def entry_in(lesson: CourseLesson, moves: Sequence[AnyMove], seed: int) -> LessonRecord:
    """Return moves of a file, without a verdict."""
    return LessonRecord(
        lesson.name,
        lesson.version,
        f"sha256:{lesson.digest}",
        seed,
        RecordedVerdict(passed=False),
        met=tuple(_wrong(lesson, moves)),
        moves=tuple(moves),
    )


async def recorded(entry: LessonRecord, lesson: CourseLesson) -> tuple[LessonRecord, AttemptOutcome]:
    """Make the moves of an entry, and return it with what they come to in the lesson as it is now.

    Raises:
        MoveRefused: one of them cannot be made.
        TimedOut: they took longer than 20 seconds.
    """
    outcome = await attempt_of(lesson, entry.moves, seed=entry.seed)
    made = msgspec.structs.replace(
        entry,
        version=lesson.version,
        digest=f"sha256:{lesson.digest}",
        verdict=RecordedVerdict.of(outcome),
    )
    return made, outcome


def _wrong(lesson: CourseLesson, moves: Iterable[AnyMove]) -> dict[str, str]:
    """Return the misconceptions behind wrong answers, each with its question."""
    cures = {question.name: question.cures for question in lesson.questions}
    answers = (move for move in moves if isinstance(move, AnswerMove))
    met = ((cures.get(one.question, {}).get(one.option), one.question) for one in answers)
    return {name: question for name, question in met if name}


@dataclass(frozen=True, slots=True)
class MadeRecord:
    """A record whose moves were made just now.

    Attributes:
        outcomes: of its lessons.
        left_out: the lessons whose moves can no longer be made, each with the reason.
    """

    record: PracticeRecord
    outcomes: tuple[AttemptOutcome, ...]
    left_out: tuple[str, ...]


def entries_of(
    lessons: Iterable[CourseLesson], stored: Mapping[str, LessonProgress]
) -> Iterator[tuple[LessonRecord, CourseLesson]]:
    """Yield an entry for each lesson that was begun.

    Args:
        stored: the progress, as `ProgressFile.read` returns it.
    """
    for lesson in lessons:
        progress = stored.get(progress_name(lesson))
        entry = None if progress is None else entry_of(progress)
        if progress is not None and entry is not None:
            yield with_misconceptions(entry, lesson, progress), lesson


async def record_of(entries: Iterable[tuple[LessonRecord, CourseLesson]]) -> MadeRecord:
    """Return a record of entries, their moves made again.

    Raises:
        TimedOut: the moves of a lesson took longer than 20 seconds.
    """
    made: list[tuple[LessonRecord, AttemptOutcome]] = []
    left_out: list[str] = []
    ticket = ""
    for entry, lesson in entries:
        ticket = str(lesson.ticket or "")
        try:
            made.append(await recorded(entry, lesson))
        except LessonRefused as error:
            left_out.append(f"{lesson.name}: {error.cause}")
    record = PracticeRecord.of([entry for entry, _ in made], ticket=ticket)
    return MadeRecord(record, tuple(outcome for _, outcome in made), tuple(left_out))
