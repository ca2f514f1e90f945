"""`learn.json` in the state directory: read strictly, and changed by one process at a time.

A file that cannot be read is refused and left as it is: a new one in its place would lose what it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from authlens_core.learning.progress.lesson_progress import DRILL, EXAM, LessonProgress
from authlens_core.learning.strict_json import StrictFile, read_strict
from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.state.regular_file import read_regular
from authlens_core.values.errors import FileUnusable, LessonRefused, StateUnusable

LARGEST: Final = 8 * 1024 * 1024  # bytes: about two thousand long attempts
_NAME: Final = "learn.json"
_LONGEST_WAIT: Final = 10.0  # seconds; another process holds the lock for milliseconds


class _File(StrictFile, frozen=True):
    lessons: tuple[LessonProgress, ...] = ()


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
            FileUnusable: it is no regular file, or cannot be read.
        """
        if self.path is None:
            return self._in_memory
        try:
            data = read_regular(self.path, LARGEST, follow=False).data
            file = read_strict(data, _File, name=self.path.name, limit=LARGEST)
        except FileNotFoundError:
            return {}
        except (FileUnusable, LessonRefused) as error:
            raise type(error)(error.cause, _left_at(self.path)) from None
        return {progress.lesson: progress for progress in file.lessons}

    def of(self, name: str) -> LessonProgress:
        """Return the progress of one lesson; see `read`."""
        return self.read().get(name, LessonProgress(name))

    def change(self, name: str, change: Callable[[LessonProgress], LessonProgress]) -> LessonProgress:
        """Store what `change` makes of the progress of a lesson, and return it; see `read` and `_locked`."""

        def changed(lessons: Mapping[str, LessonProgress]) -> Mapping[str, LessonProgress]:
            return {**lessons, name: change(lessons.get(name, LessonProgress(name)))}

        return self._changed(changed)[name]

    def start_over(self) -> int:
        """Archive the attempts of every lesson, and return how many there are.

        Those of an exam stay, and drills can be predicted again.
        """
        lessons = self._changed(
            lambda lessons: {
                name: known if name.startswith(EXAM) else known.with_attempt(None)
                for name, known in lessons.items()
                if not name.startswith(DRILL)
            }
        )
        return len(lessons)

    def _changed(
        self, change: Callable[[Mapping[str, LessonProgress]], Mapping[str, LessonProgress]]
    ) -> Mapping[str, LessonProgress]:
        """Read, change and write, while no other process does.

        Raises:
            StateUnusable: it cannot be written, or there are no locks here; what was stored stays.
        """
        if self.path is None:
            self._in_memory = change(self._in_memory)
            return self._in_memory
        try:
            lock = private_file.os_lock(own_file(self.path.with_suffix(".lock")))
            with lock.acquire(timeout=_LONGEST_WAIT, blocking=True):
                lessons = change(self.read())
                private_file.replace(self.path, _encoded(lessons, self.path), locked=True)
                return lessons
        except (OSError, NotImplementedError) as error:  # filelock's Timeout is an OSError
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise StateUnusable(
                f"Your progress could not be stored in {self.path}: {reason}.",
                "Set AUTHLENS_HOME to a directory on a local disk.",
            ) from error


def _encoded(lessons: Mapping[str, LessonProgress], path: Path) -> bytes:
    data = msgspec.json.format(msgspec.json.encode(_File(1, tuple(lessons.values()))), indent=1)
    if len(data) > LARGEST:
        raise FileUnusable(f"{path} would be larger than {LARGEST // 1024**2} MiB.", _left_at(path))
    return data


def _left_at(path: Path) -> str:
    """Return how to go on without a file that is left as it is."""
    away = f"mv -n {shlex.quote(str(path))} {shlex.quote(f'{path}.old')}"
    return f"Your progress is left as it is, in {path}. Correct it, or start a new one: {away}"
