"""`authlens --plain learn`: the whole course line by line, typed or from a pipe."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from authlens_lab.learning.desk.course import Course
from authlens_tui.cli.course.plain_lesson import PlainLesson, say_texts
from authlens_tui.cli.terminal.output import answer_line
from authlens_tui.cli.terminal.standard_input import next_line

NOT_PASSED: Final = 12
"""The exit code of moves that do not pass the lesson."""
_LONGEST_LINE: Final = 4_096  # bytes
_ENDS: Final = frozenset({"quit", "exit", "q"})


class PlainCourse:
    """Lessons, one after another, until the end of the input."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._lines = _read_lines()

    async def run(self, chosen: str = "") -> int:
        """Return 0, or 12 if the last lesson is not passed.

        Args:
            chosen: the identifier of the first one; the list comes first without it.

        Raises:
            LessonRefused: the stored progress cannot be read.
        """
        if self._course.progress.problem:
            answer_line(f"! {self._course.progress.problem} Your moves are not stored.")
        passed = True
        chosen = chosen or await self._choose()
        while chosen:
            passed, following = await self._do(chosen)
            chosen = await self._choose() if following == "lessons" else following
        return 0 if passed else NOT_PASSED

    async def _choose(self) -> str:
        """List the lessons, and return the one that is chosen; empty at the end."""
        answer_line("Everything happens inside this program: no account, no network.")
        answer_line(
            "In a lesson you predict, log in, point at what matters, break it, repair it, and answer."
        )
        for summary in self._course.summaries():
            lesson = summary.lesson
            state = summary.state.replace(" · ", ", ")
            answer_line(f"{lesson.number}. {lesson.title}: {lesson.minutes} minutes, {state}.")
        answer_line("Type the number of a lesson, next for the first one that you have not passed, or quit.")
        async for line in self._lines:
            word = line.strip().lower()
            if word in _ENDS:
                return ""
            if word == "next" and (following := self._course.next_after("")):
                return following
            if name := self._course.find(word):
                return name
            answer_line(f"✖ Type a number from 1 to {len(self._course.names)}, next or quit.")
        return ""

    async def _do(self, name: str) -> tuple[bool, str]:
        """Do a lesson; return whether it is passed, and what comes next: another, `lessons`, or nothing."""
        unread = await self._ask_again(name)
        async with self._course.open(name) as lesson:
            plain = PlainLesson(lesson, len(self._course.names))
            await plain.begin()
            while line := unread or await anext(self._lines, ""):
                unread = ""
                word = line.strip().lower()
                if word in _ENDS:
                    break
                if word == "lessons":
                    return lesson.attempt.passed, word
                if word == "next" and lesson.next_phase is None and lesson.attempt.passed:
                    return True, self._course.next_after(name) or "lessons"
                await plain.take(line)
            return lesson.attempt.passed, ""

    async def _ask_again(self, before: str) -> str:
        """Ask a missed question; return what was typed instead of an answer."""
        missed = self._course.missed_before(before)
        if missed is None:
            return ""
        texts = [f"Again first, from lesson {missed.lesson.number}. {missed.text}"]
        texts += [f"Option {option}. {text}" for option, text in missed.options.items()]
        say_texts([*texts, "Type a letter: a, b or c. Anything else goes on to the lesson."])
        line = await anext(self._lines, "")
        option = line.strip().lower()
        if option not in missed.options:
            return line
        say_texts([missed.answer(option)])
        return ""


async def _read_lines() -> AsyncIterator[str]:
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
