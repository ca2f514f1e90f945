"""How far you are in each lesson, as values and in `learn.jsonl`: your moves, and how it went.

Each line has a lesson, and its moves as they are typed: `learn run` reads the same lines. No credential and
no name of yours is in it: a move names what it uses, and never holds it. The file is read strictly, and
changed by one process at a time. One that cannot be read is refused and left as it is: a new one in its place
would lose what it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec

from authlens_core.export.saved_file import typed_path
from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.state.regular_file import read_regular, read_user_path
from authlens_core.values.errors import FileUnusable, LessonRefused, StateUnusable
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import MOST_MOVES, LessonPhase, Move, moves_of
from authlens_lab.learning.strict_file import StrictFile, read_json_lines

LARGEST: Final = 1024 * 1024  # bytes: hundreds of lessons
_NAME: Final = "learn.jsonl"
_LONGEST_WAIT: Final = 10.0  # seconds; another process holds the lock for milliseconds


class LessonProgress(StrictFile, frozen=True, omit_defaults=True, kw_only=True):
    """Your progress in one lesson or drill: the current attempt, and what remains of earlier ones.

    Attributes:
        lesson: as `progress_name` has it.
        version: of the lesson when the attempt began; 0 is whatever it has.
        order: how often its questions were asked, which draws their letters; 0 is as in the file.
        moves: to be made again one by one, as they are typed.
        passed: the phases that were passed after the last move, for lists. Only a replay decides.
        right: how many questions were answered right.
        hints: the last hint that was read in each phase, from 1.
        missed: the questions that you answered wrong, and not right since.
        passed_version: of the lesson when you passed it; 0 if you did not. A newer version keeps a pass.
        held: of a drill, the option that your trace showed.
    """

    lesson: str
    version: int = 0
    seed: int = 1
    order: int = 0
    moves: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_MOVES)] = ()
    passed: tuple[LessonPhase, ...] = ()
    right: int = 0
    hints: Mapping[LessonPhase, int] = {}
    missed: tuple[str, ...] = ()
    passed_version: int = 0
    held: str = ""

    def read(self) -> tuple[Move, ...]:
        """Return the moves; raise MoveRefused if a line is not one."""
        return moves_of(self.moves)

    def with_answer(self, question: str, *, right: bool) -> LessonProgress:
        """Return it with an answer to one of its questions, which may have been asked again."""
        others = tuple(name for name in self.missed if name != question)
        return msgspec.structs.replace(self, missed=others if right else (*others, question))


def new_progress(name: str) -> LessonProgress:
    """Return the progress of a lesson that has not begun."""
    return LessonProgress(format=1, lesson=name)


def progress_name(lesson: CourseLesson) -> str:
    """Return the name by which the progress of a lesson is stored.

    A lesson of your own has its own.
    """
    return lesson.name if lesson.built_in else f"own/{lesson.name}"


def read_progress(data: bytes, name: str) -> dict[str, LessonProgress]:
    """Return the progress in each lesson by its name; see `read_json_lines`.

    Args:
        name: of the file, for messages.
    """
    lessons: dict[str, LessonProgress] = {}
    if len(data) > LARGEST:
        raise LessonRefused(f"{name}:1:1: the file has more than {LARGEST // 1024} KiB.")
    for number, one in read_json_lines(data, LessonProgress, name):
        if one.lesson in lessons:
            raise LessonRefused(f"{name}:{number}:1: the lesson “{one.lesson}” is there twice.")
        try:
            one.read()
        except LessonRefused as error:
            raise LessonRefused(f"{name}:{number}:1: {error.cause}") from None
        lessons[one.lesson] = one
    return lessons


def moves_from(source: Path | str | bytes, lesson: str, *, is_own: bool = False) -> LessonProgress:
    """Return the moves in a lesson, from a file that a user may have named or from standard input.

    Args:
        lesson: its identifier.
        is_own: whether it is a lesson of your own.

    Raises:
        LessonRefused: it is not such a file, is too large, or has no moves in this lesson.
        FileUnusable: it cannot be read, or is not a regular file.
    """
    name = "standard input"
    data = source
    if not isinstance(data, bytes):
        path = typed_path(data) if isinstance(data, str) else data
        name = path.name
        data = read_user_path(path, LARGEST)
    lessons = read_progress(data, name)
    progress = lessons.get(f"own/{lesson}", lessons.get(lesson)) if is_own else lessons.get(lesson)
    if progress is None:
        others = f"; it has: {', '.join(lessons)}" if lessons else ""
        raise LessonRefused(f"{name}:1:1: there are no moves in the lesson “{lesson}”{others}.")
    return progress


class ProgressFile:
    """The progress of all lessons.

    Args:
        path: the file; None keeps the progress in memory.

    Attributes:
        problem: why the progress is not stored, one sentence; empty if it is.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.problem = ""
        self._in_memory: Mapping[str, LessonProgress] = {}

    @classmethod
    def open(cls, directory: Path | None = None) -> ProgressFile:
        """Return the progress of the state directory, or one in memory if that cannot be used."""
        try:
            return cls(state_directory(directory) / _NAME)
        except StateUnusable as error:
            in_memory = cls(None)
            in_memory.problem = error.cause
            return in_memory

    def read(self) -> Mapping[str, LessonProgress]:
        """Return the progress by the name of the lesson, as `progress_name` has it.

        Raises:
            LessonRefused: the file is damaged, or a newer version wrote it; the message has the place.
            FileUnusable: it is not a regular file, or cannot be read.
        """
        if self.path is None:
            return self._in_memory
        try:
            return read_progress(read_regular(self.path, LARGEST, follow=False).data, self.path.name)
        except FileNotFoundError:
            return {}
        except (FileUnusable, LessonRefused) as error:
            raise type(error)(error.cause, _fix_for(self.path)) from None

    def of(self, name: str) -> LessonProgress:
        """Return the progress of one lesson; see `read`."""
        return self.read().get(name, new_progress(name))

    def change(self, name: str, change: Callable[[LessonProgress], LessonProgress]) -> None:
        """Store what `change` makes of the progress of a lesson; see `change_all`."""
        self.change_all(lambda lessons: {**lessons, name: change(lessons.get(name, new_progress(name)))})

    def change_all(
        self, change: Callable[[Mapping[str, LessonProgress]], Mapping[str, LessonProgress]]
    ) -> None:
        """Read, change and write, while no other process does; see `read`.

        Raises:
            StateUnusable: it cannot be written, or there are no locks here; what was stored stays.
        """
        if self.path is None:
            self._in_memory = change(self._in_memory)
            return
        try:
            lock = private_file.os_lock(own_file(self.path.with_suffix(".lock")))
            with lock.acquire(timeout=_LONGEST_WAIT, blocking=True):
                lines = map(msgspec.json.encode, change(self.read()).values())
                private_file.replace(self.path, b"".join(line + b"\n" for line in lines), locked=True)
        except (OSError, NotImplementedError) as error:  # filelock's Timeout is an OSError
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise StateUnusable(
                f"Your progress could not be stored in {self.path}: {reason}.",
                "Set AUTHLENS_HOME to a directory on a local disk.",
            ) from error


def _fix_for(path: Path) -> str:
    """Return the fix for a file that cannot be read and is left unchanged."""
    away = f"mv -n {shlex.quote(str(path))} {shlex.quote(f'{path}.old')}"
    return f"Your progress is left as it is, in {path}. Correct it, or start a new one: {away}"
