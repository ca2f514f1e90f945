"""`authlens --plain learn`: the whole course line by line, typed or from a pipe."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Final

from authlens_core.learning.lesson import CourseLesson
from authlens_core.learning.progress.lesson_progress import LessonProgress, progress_name
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.progress.recorded_attempt import RecordedAttempt
from authlens_core.learning.words_file import ENGLISH, LessonWords
from authlens_tui.cli.course.plain_lesson import PlainLesson
from authlens_tui.cli.course.progress_verbs import progress_words
from authlens_tui.cli.terminal.output import answer_line
from authlens_tui.cli.terminal.standard_input import next_line

NOT_PASSED: Final = 12
"""The exit code of moves that do not pass the lesson."""
_LONGEST_LINE: Final = 4_096  # bytes
_Course = Mapping[str, tuple[CourseLesson, Mapping[str, LessonWords]]]


async def plain_course(course: _Course, *, lesson: str = "", language: str = ENGLISH) -> int:
    """Do lessons until the end of what is typed; return 12 if the last one is not passed.

    Args:
        lesson: the identifier of the first one; the list comes first without it.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    file = ProgressFile.open()
    if file.problem:
        answer_line(f"! {file.problem} Your moves are not stored.")
    lines = _typed_lines()
    passed = True
    chosen = lesson or await _chosen(course, file, lines)
    while chosen:
        passed, wanted = await _do(course, chosen, file, lines, language)
        chosen = await _chosen(course, file, lines) if wanted == "lessons" else wanted
    return 0 if passed else NOT_PASSED


async def _chosen(course: _Course, file: ProgressFile, lines: AsyncIterator[str]) -> str:
    """List the lessons, and return the one that is chosen; empty at the end."""
    known = file.read()
    answer_line("Everything happens inside this program: no account, no network.")
    answer_line("In a lesson you predict, log in, point at what matters, break it, repair it, and answer.")
    for number, (lesson, words) in enumerate(course.values(), 1):
        name = progress_name(lesson)
        state = progress_words(lesson, known.get(name, LessonProgress(name))).replace(" · ", ", ")
        answer_line(f"{number}. {words[ENGLISH].title}: {lesson.minutes} minutes, {state}.")
    answer_line("Type the number of a lesson, next for the first one that you have not passed, or quit.")
    names = list(course)
    async for line in lines:
        word = line.strip().lower()
        if word in {"quit", "exit", "q"}:
            return ""
        if word == "next":
            return _next(course, file)
        if word in course:
            return word
        if word.isascii() and word.isdigit() and 0 < int(word[:4]) <= len(names):
            return names[int(word[:4]) - 1]
        answer_line(f"✖ Type a number from 1 to {len(names)}, next or quit.")
    return ""


async def _do(
    course: _Course, name: str, file: ProgressFile, lines: AsyncIterator[str], language: str
) -> tuple[bool, str]:
    """Do a lesson; return whether it is passed, and what comes next: a lesson, `lessons`, or nothing."""
    lesson, by_language = course[name]
    words = by_language.get(language, by_language[ENGLISH])
    title = f"{list(course).index(name) + 1} of {len(course)}: {words.title}"
    async with RecordedAttempt(lesson, file) as recorded:
        plain = PlainLesson(recorded, words, title)
        await plain.begin()
        async for line in lines:
            match line.strip().lower():
                case "quit" | "exit" | "q":
                    return plain.passed, ""
                case "lessons":
                    return plain.passed, "lessons"
                case "next":
                    return plain.passed, _next(course, file, after=name)
                case _:
                    await plain.take(line)
        return plain.passed, ""


def _next(course: _Course, file: ProgressFile, *, after: str = "") -> str:
    """Return the lesson that comes after one and is not passed; the first such one at the end of the list."""
    known = file.read()
    names = list(course)
    start = names.index(after) + 1 if after else 0
    open_ones = [
        name
        for name in (*names[start:], *names[:start])
        if not known.get(progress_name(course[name][0]), LessonProgress("")).passed_version and name != after
    ]
    return open_ones[0] if open_ones else "lessons"


async def _typed_lines() -> AsyncIterator[str]:
    """Yield one line after another while the servers of a lesson go on.

    A thread reads them: a loop cannot wait for a file, and would wait for a thread of its own at the end.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str] = asyncio.Queue(1)

    def read() -> None:
        with suppress(OSError, ValueError, RuntimeError):  # the stream, or the loop, is closed
            while line := next_line(_LONGEST_LINE):
                asyncio.run_coroutine_threadsafe(queue.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(queue.put(""), loop).result()

    threading.Thread(target=read, daemon=True).start()
    while line := await queue.get():
        yield line
