"""How far you are in each lesson, as values and in `learn.json`: your moves, and how it went.

No credential and no name of yours is in it: a move names what it uses, and never holds it. The file is read
strictly, and changed by one process at a time. One that cannot be read is refused and left as it is: a new
one in its place would lose what it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, Self

import msgspec

from authlens_core.learning.answers_file import MOST_MOVES
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnyMove
from authlens_core.learning.strict_file import StrictFile, StrictTable, read_strict
from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.state.regular_file import read_regular
from authlens_core.values.errors import FileUnusable, LessonRefused, StateUnusable

DRILL: Final = "drill/"
"""How the names of predictions in drills start."""


class StoredAttempt(StrictTable, frozen=True):
    """One attempt at a lesson, to be made again move by move.

    Attributes:
        version: of the lesson when the attempt began.
        digest: of the files of the lesson at the last move.
        order: how often its questions were asked, which draws their letters; 0 is as in the files.
        passed: the phases that were passed after the last move, for lists. Only a replay decides.
        right: how many questions were answered right.
    """

    version: int
    digest: str
    seed: int
    order: int = 0
    moves: Annotated[tuple[AnyMove, ...], msgspec.Meta(max_length=MOST_MOVES)] = ()
    passed: tuple[LessonPhase, ...] = ()
    right: int = 0

    def goes_on_in(self, later: StoredAttempt) -> bool:
        """Return whether another attempt starts with these moves."""
        same_start = (self.version, self.seed, self.order) == (later.version, later.seed, later.order)
        return same_start and self.moves == later.moves[: len(self.moves)]

    @property
    def phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last."""
        return next((phase for phase in LessonPhase if phase not in self.passed), None)


class LessonProgress(StrictTable, frozen=True):
    """How far you are in one lesson.

    Attributes:
        lesson: as `progress_name` has it.
        attempt: the one that goes on at the next start; None before the first.
        archived: the attempts before it, oldest first. Starting over never loses one.
        first_prediction: the option of the first prediction ever made; empty before it.
        tries: how often each phase was begun.
        hints: the last hint that was read in each phase, from 1.
        seconds: how long you were at it; long pauses do not count.
        missed: the questions that you answered wrong, and not right since.
        passed_version: of the lesson when you passed it; 0 if you did not. A newer version keeps a pass.
        held: of a drill, the option that your trace showed; a drill has this and a first prediction alone.
    """

    lesson: str
    attempt: StoredAttempt | None = None
    archived: tuple[StoredAttempt, ...] = ()
    first_prediction: str = ""
    tries: Mapping[LessonPhase, int] = {}
    hints: Mapping[LessonPhase, int] = {}
    seconds: int = 0
    missed: tuple[str, ...] = ()
    passed_version: int = 0
    held: str = ""

    @property
    def goes_on(self) -> StoredAttempt:
        """The attempt that goes on; one without moves before the first."""
        return self.attempt or StoredAttempt(0, "", 0)

    @property
    def attempts(self) -> tuple[StoredAttempt, ...]:
        """All of them, the one that goes on last."""
        return (*self.archived, *([self.attempt] if self.attempt else ()))

    def with_attempt(self, attempt: StoredAttempt | None) -> Self:
        """Return it with another attempt to go on with; one that does not go on in it is archived."""
        before = self.goes_on
        if not before.moves or (attempt is not None and before.goes_on_in(attempt)):
            return msgspec.structs.replace(self, attempt=attempt)
        return msgspec.structs.replace(self, attempt=attempt, archived=(*self.archived, before))

    def with_hint(self, phase: LessonPhase, step: int) -> Self:
        """Return it with a hint that was read."""
        last = max(step, self.hints.get(phase, 0))
        return msgspec.structs.replace(self, hints={**self.hints, phase: last})

    def with_answer(self, question: str, *, right: bool) -> Self:
        """Return it with an answer to one of its questions, also to one that is asked again later."""
        others = tuple(name for name in self.missed if name != question)
        return msgspec.structs.replace(self, missed=others if right else (*others, question))

    def with_try(self, phase: LessonPhase) -> Self:
        """Return it with one more try at a phase."""
        return msgspec.structs.replace(self, tries={**self.tries, phase: self.tries.get(phase, 0) + 1})


def progress_name(lesson: CourseLesson) -> str:
    """Return the name by which the progress of a lesson is stored.

    A lesson of your own has its own.
    """
    return lesson.name if lesson.built_in else f"own/{lesson.name}"


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

        Drills can be predicted again.
        """
        lessons = self._changed(
            lambda lessons: {
                name: known.with_attempt(None)
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
