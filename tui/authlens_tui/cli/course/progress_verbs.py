"""`authlens learn progress` and `authlens learn reset`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from authlens_core.learning.lesson import QUESTIONS, CourseLesson, LessonPhase
from authlens_core.learning.progress.lesson_progress import LessonProgress, progress_name
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_json, answer_line, say

_Course = Mapping[str, tuple[CourseLesson, Mapping[str, LessonWords]]]


def show_progress(arguments: Namespace, course: _Course) -> int:
    """Print how far you are in each lesson.

    Raises:
        LessonRefused: the file cannot be read.
    """
    file = ProgressFile.open()
    known = file.read()
    entries = [
        (lesson, known.get(progress_name(lesson), LessonProgress(progress_name(lesson))))
        for lesson, _ in course.values()
    ]
    if file.problem:
        say(f"! {file.problem}")
    if arguments.json:
        answer_json([progress_json(lesson, progress) for lesson, progress in entries])
        return 0
    width = max((len(lesson.name) for lesson, _ in entries), default=0)
    for number, (lesson, progress) in enumerate(entries, 1):
        title = course[lesson.name][1][ENGLISH].title
        answer_line(f"{number:>2}  {lesson.name:<{width}}  {progress_words(lesson, progress)} · {title}")
    return 0


def progress_json(lesson: CourseLesson, progress: LessonProgress) -> dict[str, Any]:
    """Return the progress in a lesson, as `learn progress --json` prints it."""
    attempt = progress.attempt
    return {
        "id": lesson.name,
        "version": lesson.version,
        "passed_version": progress.passed_version or None,
        "phase": None if attempt is None or attempt.phase is None else attempt.phase.value,
        "passed": [] if attempt is None else [phase.value for phase in attempt.passed],
        "moves": 0 if attempt is None else len(attempt.moves),
        "seed": None if attempt is None else attempt.seed,
        "first_prediction": progress.first_prediction or None,
        "tries": {phase.value: tries for phase, tries in progress.tries.items()},
        "hints": {phase.value: step for phase, step in progress.hints.items()},
        "seconds": progress.seconds,
        "questions": f"{0 if attempt is None else attempt.right}/{QUESTIONS}",
        "missed": list(progress.missed),
        "archived": len(progress.archived),
    }


def progress_words(lesson: CourseLesson, progress: LessonProgress) -> str:
    """Return how far you are in a lesson, in a few words."""
    attempt = progress.attempt
    words = []
    if progress.passed_version:
        older = progress.passed_version != lesson.version
        words.append(f"passed (version {progress.passed_version})" if older else "passed")
    if attempt is not None and attempt.moves and attempt.phase is not None:
        words.append(f"stopped at {attempt.phase.value}")
    if not words:
        words.append("to do")
    if tries := max(progress.tries.values(), default=0):
        words.append("1 try" if tries == 1 else f"{tries} tries")
    if hints := sum(progress.hints.values()):
        words.append("1 hint" if hints == 1 else f"{hints} hints")
    if progress.seconds >= 60:
        words.append(f"{progress.seconds // 60} min")
    return " · ".join(words)


async def reset(arguments: Namespace, course: _Course, lesson: CourseLesson | None) -> int:
    """Start a phase, a lesson or the course over; what was done is archived in `learn.json`.

    Raises:
        LessonRefused: the file cannot be read.
        UsageError: it is not clear what starts over.
    """
    phase = None if arguments.phase is None else LessonPhase(arguments.phase)
    if (lesson is None) is not arguments.all or (phase and lesson is None):
        raise UsageError(
            "Name one lesson, or use --all.",
            "A lesson: authlens learn reset ID. All of them: authlens learn reset --all",
        )
    file = ProgressFile.open()
    if lesson is None:
        file.start_over()
        say(f"✔ All {len(course)} lessons start over. Your earlier attempts are archived.")
        return 0
    name = progress_name(lesson)
    attempt = file.of(name).attempt
    if attempt is None or not attempt.moves:
        say(f"– {lesson.name} has no moves yet.")
    elif phase is None:
        file.change(name, lambda known: known.with_attempt(None))
        say(f"✔ {lesson.name} starts over. Your earlier attempt is archived.")
    else:
        async with RecordedAttempt(lesson, file) as recorded:
            await recorded.start_over(phase)
        say(f"✔ {lesson.name} starts over at {phase.value}. Your earlier attempt is archived.")
    return 0
