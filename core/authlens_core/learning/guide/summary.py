"""What you can do after a lesson and after the course, with what it took: evidence, and no rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from authlens_core.learning.lesson import QUESTIONS, QUESTIONS_TO_PASS, CourseLesson
from authlens_core.learning.progress.lesson_progress import LessonProgress
from authlens_core.learning.progress.practice import entry_of, with_misconceptions
from authlens_core.learning.words_file import LessonWords
from authlens_core.values.quick_dataclass import dataclass

_CLOSING = "This is practice on this machine, and no proof of identity."


@dataclass(frozen=True, slots=True)
class LessonSummary:
    """What came of one lesson.

    Attributes:
        number: in the catalogue, from 1.
        right: the questions of the last attempt that were answered right.
        met: misconceptions behind wrong answers, by name; those in `refuted` were answered right later.
        missed: questions that were last answered wrong.
    """

    number: int
    lesson: CourseLesson
    words: LessonWords
    passed: bool
    begun: bool
    tries: int
    hints: int
    right: int
    minutes: int
    met: tuple[str, ...]
    refuted: tuple[str, ...]
    missed: tuple[str, ...]

    @classmethod
    def of(
        cls, number: int, lesson: CourseLesson, words: LessonWords, progress: LessonProgress | None
    ) -> LessonSummary:
        """Return the summary of what is stored."""
        known = progress or LessonProgress(lesson.name)
        entry = entry_of(known)
        if entry is not None:
            entry = with_misconceptions(entry, lesson, known)
        return cls(
            number,
            lesson,
            words,
            passed=bool(known.passed_version),
            begun=entry is not None,
            tries=max(known.tries.values(), default=0),
            hints=sum(known.hints.values()),
            right=known.attempt.right if known.attempt else 0,
            minutes=-(-known.seconds // 60),
            met=entry.met if entry else (),
            refuted=entry.refuted if entry else (),
            missed=known.missed,
        )

    @property
    def took(self) -> str:
        """What it took, in numbers."""
        counts = ((self.tries, "try", "tries"), (self.hints, "hint", "hints"))
        said = [f"{number} {one if number == 1 else many}" for number, one, many in counts]
        return " · ".join([*said, f"{self.right} of {QUESTIONS} questions right", f"{self.minutes} min"])


def lesson_texts(summary: LessonSummary) -> Iterator[tuple[str, str]]:
    """Yield headings and texts about a lesson that has just ended."""
    texts, title = summary.words.texts, f"{summary.number} {summary.words.title}"
    if not summary.passed:
        why = f"{summary.right} of {QUESTIONS} questions are right, and {QUESTIONS_TO_PASS} are needed."
        again = " Press t to answer them again."
        if summary.lesson.ticket is not None:
            again = "" if summary.right < QUESTIONS_TO_PASS else " An earlier phase is not passed."
        yield f"○ Not passed yet: {title}", f"{why}{again}"
    else:
        yield f"✔ Passed: {title}", f"You can now {texts['can']}."
        yield "What it corrects", texts["cures"]
    yield "What it took", summary.took
    for question in summary.missed:
        yield "A question to look at again", texts[f"questions/{question}"]


def course_texts(summaries: Sequence[LessonSummary]) -> Iterator[tuple[str, str]]:
    """Yield headings and texts about all lessons: what you can do, and which misconceptions you met."""
    passed = [summary for summary in summaries if summary.passed]
    minutes = sum(summary.minutes for summary in summaries)
    lines = [f"- ✔ {one.number} {one.words.texts['can']} ({one.took})" for one in passed]
    yield f"What you can do: {len(passed)} of {len(summaries)} lessons, {minutes} min", "\n".join(lines)
    met = {name for one in summaries for name in one.met}
    refuted = {name for one in summaries for name in one.refuted}
    if met:
        still = ", ".join(sorted(name.replace("-", " ") for name in met - refuted))
        yield (
            "Misconceptions",
            f"Met {len(met)}, refuted {len(refuted)}.{f' Open: {still}.' if still else ''}",
        )
    yield "", _CLOSING


def progress_words(summaries: Sequence[LessonSummary]) -> str:
    """Return how far you are in the course, in a few words."""
    passed = sum(summary.passed for summary in summaries)
    left = sum(summary.lesson.minutes for summary in summaries if not summary.passed)
    hours = f"{left // 60} h {left % 60} min" if left >= 60 else f"{left} min"
    return f"{passed} of {len(summaries)} passed" + (f" · about {hours} left" if left else "")


def lesson_to_go_on_with(summaries: Sequence[LessonSummary]) -> str:
    """Return the lesson that you stopped in, or else the first one that is not passed; empty without one."""
    open_ones = [summary for summary in summaries if not summary.passed]
    begun = [summary for summary in open_ones if summary.tries]
    return (begun or open_ones)[0].lesson.name if open_ones else ""


def missed_question(summaries: Sequence[LessonSummary], before: str) -> tuple[LessonSummary, str] | None:
    """Return a question to ask again before a lesson is begun: one of another lesson that was missed."""
    starting = next(summary for summary in summaries if summary.lesson.name == before)
    if starting.begun or starting.lesson.ticket is not None:
        return None
    return next(
        ((one, name) for one in summaries for name in one.missed if _right(one.lesson, name)),
        None,
    )


def _right(lesson: CourseLesson, question: str) -> str:
    return next((one.right for one in lesson.questions if one.name == question), "")


def answer_again(summary: LessonSummary, question: str, option: str) -> tuple[bool, str]:
    """Return whether an option is right, and what to say to it."""
    right = _right(summary.lesson, question)
    words = summary.words.texts[f"questions/{question}/{right}"]
    return option == right, "✔ Right." if option == right else f"✖ No. {right}: {words}"


def summaries_of(
    lessons: Mapping[str, tuple[CourseLesson, LessonWords]], known: Mapping[str, LessonProgress]
) -> tuple[LessonSummary, ...]:
    """Return the summary of each lesson, given the progress by the names of the lessons."""
    return tuple(
        LessonSummary.of(number, lesson, words, known.get(name))
        for number, (name, (lesson, words)) in enumerate(lessons.items(), 1)
    )
