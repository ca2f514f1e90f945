"""What the catalogue says of a lesson: how far you are, what you can do after it, and what comes next."""

from __future__ import annotations

from typing import Final

from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.progress.lesson_progress import LessonProgress
from authlens_core.learning.words_file import LessonWords

_DONE, _TO_DO = "●", "○"
_START: Final = "Enter starts. Everything happens inside this program."


def dots(progress: LessonProgress | None) -> str:
    """Return a sign for each phase, and one for a lesson that was passed."""
    attempt = None if progress is None else progress.attempt
    passed = () if attempt is None else attempt.passed
    signs = "".join(_DONE if phase in passed else _TO_DO for phase in LessonPhase)
    return f"{'✔' if progress is not None and progress.passed_version else ' '}{signs}"


def card(
    lesson: CourseLesson, words: LessonWords, progress: LessonProgress | None
) -> tuple[tuple[str, str], ...]:
    """Return headings with their texts: what the lesson is for, and how far you are."""
    texts = words.texts
    own = (
        ()
        if lesson.built_in
        else (("Not from this program", f"Its folder has the digest {lesson.digest[:12]}."),)
    )
    return (
        ("You can then", texts["can"]),
        ("It corrects", texts["cures"]),
        ("", f"{lesson.minutes} minutes · {', '.join(lesson.specs)}"),
        *own,
        ("", _where(progress)),
    )


def _where(progress: LessonProgress | None) -> str:
    attempt = None if progress is None else progress.attempt
    if progress is None or attempt is None or not attempt.moves:
        return _START
    if attempt.phase is None:
        return "You passed it. Enter shows it again."
    tries = progress.tries.get(attempt.phase, 0)
    after = f" after {tries} {'try' if tries == 1 else 'tries'}" if tries else ""
    return f"You stopped at {attempt.phase.value}{after}. Enter makes your moves again and goes on there."
