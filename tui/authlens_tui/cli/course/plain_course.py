"""`authlens --plain learn`: the whole course line by line, typed or from a pipe."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Final

from authlens_core.learning.guide.summary import answer_again, missed_question, summaries_of
from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.progress.lesson_progress import LessonProgress, progress_name
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_tui.cli.course.plain_lesson import PlainLesson, say_texts
from authlens_tui.cli.course.progress_verbs import progress_words
from authlens_tui.cli.terminal.output import answer_line
from authlens_tui.cli.terminal.standard_input import next_line

NOT_PASSED: Final = 12
"""The exit code of moves that do not pass the lesson."""
_LONGEST_LINE: Final = 4_096  # bytes
_ENDS: Final = frozenset({"quit", "exit", "q"})
_Course = Mapping[str, tuple[CourseLesson, Mapping[str, LessonWords]]]


async def plain_course(course: _Course, *, lesson: str = "", language: str = ENGLISH) -> int:
    """Do lessons until the end of what is typed; return 12 if the last one is not passed.

    Args:
        lesson: the identifier of the first one; the list comes first without it.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    return await _PlainCourse(course, language).run(lesson)


class _PlainCourse:
    def __init__(self, course: _Course, language: str) -> None:
        self._lessons = {
            name: (lesson, words.get(language, words[ENGLISH])) for name, (lesson, words) in course.items()
        }
        self._file = ProgressFile.open()
        self._lines = _typed_lines()

    def _known(self) -> dict[str, LessonProgress]:
        stored = self._file.read()
        names = {name: progress_name(lesson) for name, (lesson, _) in self._lessons.items()}
        return {name: stored.get(known_as, LessonProgress(known_as)) for name, known_as in names.items()}

    async def run(self, chosen: str) -> int:
        if self._file.problem:
            answer_line(f"! {self._file.problem} Your moves are not stored.")
        passed = True
        chosen = chosen or await self._chosen()
        while chosen:
            passed, wanted = await self._do(chosen)
            chosen = await self._chosen() if wanted == "lessons" else wanted
        return 0 if passed else NOT_PASSED

    async def _chosen(self) -> str:
        """List the lessons, and return the one that is chosen; empty at the end."""
        known = self._known()
        answer_line("Everything happens inside this program: no account, no network.")
        answer_line(
            "In a lesson you predict, log in, point at what matters, break it, repair it, and answer."
        )
        for number, (name, (lesson, words)) in enumerate(self._lessons.items(), 1):
            state = progress_words(lesson, known[name]).replace(" · ", ", ")
            answer_line(f"{number}. {words.title}: {lesson.minutes} minutes, {state}.")
        answer_line("Type the number of a lesson, next for the first one that you have not passed, or quit.")
        numbered = {str(number): name for number, name in enumerate(self._lessons, 1)}
        async for line in self._lines:
            word = line.strip().lower()
            if word in _ENDS:
                return ""
            if word == "next":
                return self._next("")
            if word in self._lessons or word in numbered:
                return numbered.get(word, word)
            answer_line(f"✖ Type a number from 1 to {len(numbered)}, next or quit.")
        return ""

    async def _do(self, name: str) -> tuple[bool, str]:
        """Do a lesson; return whether it is passed, and what comes next: another, `lessons`, or nothing."""
        lesson, words = self._lessons[name]
        title = f"{list(self._lessons).index(name) + 1} of {len(self._lessons)}: {words.title}"
        left = await self._ask_again(name)
        async with RecordedAttempt(lesson, self._file) as recorded:
            plain = PlainLesson(recorded, words, title)
            await plain.begin()
            while line := left or await anext(self._lines, ""):
                left = ""
                word = line.strip().lower()
                if word in _ENDS:
                    break
                if word == "lessons":
                    return plain.passed, word
                if word == "next":
                    return plain.passed, self._next(name)
                await plain.take(line)
            return plain.passed, ""

    async def _ask_again(self, before: str) -> str:
        """Ask a question that was missed; return what was typed instead of an answer."""
        found = missed_question(summaries_of(self._lessons, self._known()), before)
        if found is None:
            return ""
        summary, question = found
        texts = summary.words.texts
        asked = [f"Again first, from lesson {summary.number}. {texts[f'questions/{question}']}"]
        asked += [f"Option {option}. {texts[f'questions/{question}/{option}']}" for option in "abc"]
        say_texts([*asked, "Type a letter: a, b or c. Anything else goes on to the lesson."])
        line = await anext(self._lines, "")
        option = line.strip().lower()
        if option not in {"a", "b", "c"}:
            return line
        is_right, said = answer_again(summary, question, option)
        name = progress_name(summary.lesson)
        self._file.change(name, lambda known: known.with_answer(question, right=is_right))
        say_texts([said])
        return ""

    def _next(self, after: str) -> str:
        """Return the first lesson behind one that is not passed, or before it; `lessons` if there is none."""
        known, names = self._known(), list(self._lessons)
        start = names.index(after) + 1 if after else 0
        others = (*names[start:], *names[: max(start - 1, 0)])
        return next((name for name in others if not known[name].passed_version), "lessons")


async def _typed_lines() -> AsyncIterator[str]:
    """Yield one line after another while the servers of a lesson go on.

    A thread reads them: a loop cannot wait for a file, and would wait for a thread of its own at the end.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str] = asyncio.Queue(1)

    def read() -> None:
        line = "\n"
        with suppress(RuntimeError):  # the loop is closed
            while line:
                try:
                    line = next_line(_LONGEST_LINE)
                except (OSError, ValueError):  # the terminal is gone, which is the end of what is typed
                    line = ""
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()

    threading.Thread(target=read, daemon=True).start()
    while line := await queue.get():
        yield line
