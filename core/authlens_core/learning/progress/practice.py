"""From the progress of a lesson, or a file of moves, to its entry in a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.claim import LessonRefused
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.moves import AnswerMove, AnyMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.lesson_progress import LessonProgress
from authlens_core.learning.progress.record import LessonRecord, PracticeRecord, RecordedVerdict


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


async def record_of(
    lessons: Iterable[CourseLesson], known: Mapping[str, LessonProgress]
) -> tuple[PracticeRecord, tuple[str, ...]]:
    """Return a record of what is stored, its moves made again, and the lessons that can no longer be made so.

    Args:
        known: the progress by the identifiers of the lessons.

    Raises:
        TimedOut: the moves of a lesson took longer than 20 seconds.
    """
    entries: list[LessonRecord] = []
    left_out: list[str] = []
    ticket = ""
    for lesson in lessons:
        progress = known.get(lesson.name)
        entry = None if progress is None else entry_of(progress)
        if progress is None or entry is None:
            continue
        ticket = str(lesson.ticket or "")
        try:
            entries.append((await recorded(with_misconceptions(entry, lesson, progress), lesson))[0])
        except LessonRefused:
            left_out.append(lesson.name)
    return PracticeRecord.of(entries, ticket=ticket), tuple(left_out)
