"""How far you are in a lesson, as values: moves that can be made again, and what they were like.

No credential and no name of yours is in it: a move names what it uses, and never holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

import msgspec

from authlens_core.learning.answers_file import MOST_MOVES
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import AnyMove
from authlens_core.learning.strict_json import StrictTable

EXAM: Final = "exam/"
"""How the names of progress in an exam start."""
DRILL: Final = "drill/"
"""How the names of predictions in drills start."""


class StoredAttempt(StrictTable, frozen=True):
    """One attempt at a lesson, to be made again move by move.

    Attributes:
        version: of the lesson when the attempt began.
        digest: of the files of the lesson at the last move, in hexadecimal.
        passed: the phases that were passed after the last move, for lists. Only a replay decides.
        right: how many questions were answered right.
    """

    version: int
    digest: str
    seed: int
    moves: Annotated[tuple[AnyMove, ...], msgspec.Meta(max_length=MOST_MOVES)] = ()
    passed: tuple[LessonPhase, ...] = ()
    right: int = 0

    def goes_on_in(self, later: StoredAttempt) -> bool:
        """Return whether another attempt starts with these moves."""
        same_start = (self.version, self.seed) == (later.version, later.seed)
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
    def attempts(self) -> tuple[StoredAttempt, ...]:
        """All of them, the one that goes on last."""
        return (*self.archived, *([self.attempt] if self.attempt else ()))

    def with_attempt(self, attempt: StoredAttempt | None) -> Self:
        """Return it with another attempt to go on with; one that does not go on in it is archived."""
        before = self.attempt
        if before is None or not before.moves or (attempt is not None and before.goes_on_in(attempt)):
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

    A lesson of your own has its own, and so has each ticket of an exam.
    """
    if lesson.ticket is not None:
        return f"{EXAM}{lesson.ticket.exam}/{lesson.ticket.seed:08x}/{lesson.name}"
    return lesson.name if lesson.built_in else f"own/{lesson.name}"
