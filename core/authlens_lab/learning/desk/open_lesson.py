"""One lesson in progress: what it shows, what can be done next, and what a move achieved.

Its moves are stored as they are made, and it goes on where it stopped.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from msgspec.structs import replace

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.attempt import LessonAttempt
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.lines import LessonLines, VerdictLine, proof_texts, result
from authlens_lab.learning.moves import LessonPhase, MadeMove, Move, MoveRefused, course_words, move_in
from authlens_lab.learning.progress import LessonProgress, ProgressFile, progress_name
from authlens_lab.learning.story import Part, StoryLine, spoken, spoken_value

__all__ = [
    "TURNED_BACK",
    "LessonPhase",
    "OpenLesson",
    "Part",
    "StoryLine",
    "VerdictLine",
    "course_words",
    "proof_texts",
    "result",
    "spoken",
    "spoken_value",
]

TURNED_BACK = "Time is turned back: the same servers start again, and give out the same codes and tokens."
"""What starting a phase over does."""

_FRESH: Final = 20.0  # seconds in which a world is used further; the shortest of its lifetimes is longer
_SEEDS: Final = 10_000
FIRST_ORDER: Final = 1
"""The questions are asked for the first time; see `CourseLesson.in_order`."""


class OpenLesson(LessonLines):
    """A lesson in progress. Use it as an asynchronous context manager.

    What a phase shows depends on the moves so far. A move is stored after it was made, and before its verdict
    is shown: whenever the process dies, the next one is at the same phase, with the same verdict.

    Args:
        seed: of a new attempt; random if None. An attempt with another one is replaced.

    Attributes:
        resumed: whether it goes on with moves of an earlier process.
        note: why an earlier attempt could not go on; empty otherwise.
    """

    def __init__(
        self,
        lesson: CourseLesson,
        file: ProgressFile,
        *,
        clock: Callable[[], float] = time.monotonic,
        seed: int | None = None,
    ) -> None:
        super().__init__(LessonAttempt(lesson, order=FIRST_ORDER))
        self._lesson = lesson
        self._seed = seed
        self.resumed = False
        self.note = ""
        self._file = file
        self._name = progress_name(lesson)
        self._clock = clock
        self._last = clock()

    async def __aenter__(self) -> Self:
        stored = self.progress
        if not stored.moves:
            self.attempt = LessonAttempt(self._lesson, seed=self._new_seed(), order=FIRST_ORDER)
            return self
        try:
            if stored.version != self.lesson.version:
                raise LessonRefused("The lesson has a new version")
            if self._seed not in {None, stored.seed}:
                raise LessonRefused(f"Your earlier attempt has the seed {stored.seed}")
            await self._replay(stored.read(), stored.seed, stored.order)
            self.resumed = True
        except LessonRefused as error:
            self.note = f"{error.cause.rstrip('.')}. The lesson starts over."
            await self._replay((), self._new_seed(), FIRST_ORDER)
        self._last = self._clock()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.attempt.__aexit__()

    def _new_seed(self) -> int:
        return secrets.randbelow(_SEEDS) if self._seed is None else self._seed

    @property
    def next_phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last answer."""
        return self.attempt.next_phase

    @property
    def question(self) -> str:
        """The first question without an answer, the last one after that; empty before the questions."""
        is_asked = self.next_phase in {LessonPhase.QUESTIONS, None}
        names = [question.name for question in self.lesson.questions if is_asked]
        return next((name for name in names if name not in self.attempt.answers), names[-1] if names else "")

    async def prepare(self) -> None:
        """Start the servers of the attack before its first move, to show what leaked."""
        if self.next_phase is LessonPhase.BREAK:
            await self.attempt.prepare_attack()

    def move_typed(self, line: str) -> Move:
        """Return the move of a line that is typed now.

        Raises:
            LessonRefused: it is not a move, is for another phase, or does not choose between attacks.
        """
        move = move_in(line)
        now = self.next_phase
        phase = move.kind.phase
        if phase is not None and now is not None and phase is not now:
            raise LessonRefused(f"{move.verb} is for the phase {phase.value}, and this is {now.value}.")
        ways = [
            text for form in self.forms(LessonPhase.BREAK) for text, _ in form.moves() if form.verb == line
        ]
        if now is LessonPhase.BREAK and len(ways) > 1:
            raise LessonRefused(
                f"There are {len(ways)} ways to {line}.", "Type one of them whole, with its values."
            )
        return move

    @property
    def progress(self) -> LessonProgress:
        return self._file.of(self._name)

    async def _replay(self, moves: Sequence[Move], seed: int, order: int) -> None:
        """Make moves in a fresh attempt, which replaces the one so far if all can be made."""
        fresh = LessonAttempt(self._lesson, seed=seed, order=order)
        try:
            await fresh.make_all(moves)
        except BaseException:
            await fresh.__aexit__()
            raise
        await self.attempt.__aexit__()
        self.attempt = fresh

    async def make(self, move: Move) -> None:
        """Make one move, and store it.

        What was pointed at, named or turned in vain is replaced by the next one, with the same servers. If
        tokens may have expired while you read, the moves so far are made again before this one.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
            TimedOut: it took longer than 20 seconds; the attempt is as it was before it.
            StateUnusable: it was made, and could not be stored.
        """
        attempt = self.attempt
        phase = move.kind.phase
        before = attempt.moves
        seed = attempt.seed
        order = attempt.order
        in_vain = phase and attempt.has_begun(phase) and not attempt.verdict(phase).passed
        if phase and in_vain and phase is not LessonPhase.QUESTIONS:
            await attempt.make_after(self._before(phase), move, phase)
        elif phase is None and self._clock() - self._last > _FRESH:
            await self._replay((*before, move), seed, order)
        else:
            try:
                await attempt.make_all([move])
            except MoveRefused:
                raise
            except BaseException:
                await self._replay(before, seed, order)  # half a move is none
                raise
        self._last = self._clock()
        self._store(move)

    def _store(self, move: Move | None = None) -> None:
        """Store the attempt after a move."""
        attempt = self.attempt

        def changed(progress: LessonProgress) -> LessonProgress:
            if move and move.verb == "answer":
                is_right = move["question"] not in attempt.missed
                progress = progress.with_answer(move["question"], right=is_right)
            return replace(
                progress,
                version=self.lesson.version,
                seed=attempt.seed,
                order=attempt.order,
                moves=tuple(each.text for each in attempt.moves),
                passed=tuple(verdict.phase for verdict in attempt.verdicts if verdict.passed),
                right=attempt.right_answers,
                passed_version=self.lesson.version if attempt.passed else progress.passed_version,
            )

        self._file.change(self._name, changed)

    async def start_over(self, phase: LessonPhase | None = None) -> None:
        """Start a phase or the whole lesson over. Answers to questions and a pass stay.

        Questions that start over come in another order, with other letters.

        Raises:
            TimedOut: the moves before the phase took longer than 20 seconds.
        """
        order = self.attempt.order
        if phase is LessonPhase.QUESTIONS:
            order += 1
        steps = self._before(phase) if phase else ()
        await self._go_back([step.move for step in steps], order)

    def _before(self, phase: LessonPhase) -> tuple[MadeMove, ...]:
        """Return the moves that stay if a phase starts over."""
        before = phase.until[:-1]
        if LessonPhase.RUN in before and phase is not LessonPhase.QUESTIONS:
            before.append(LessonPhase.QUESTIONS)
        return tuple(step for step in self.attempt.made if step.phase in before)

    async def undo(self) -> None:
        """Take the last move back.

        Raises:
            TimedOut: the moves before it took longer than 20 seconds.
        """
        await self._go_back(self.attempt.moves[:-1], self.attempt.order)

    async def _go_back(self, moves: Sequence[Move], order: int) -> None:
        if moves:
            await self._replay(moves, self.attempt.seed, order)
        else:
            await self._replay((), self._new_seed(), FIRST_ORDER)
        self._store()

    def next_hint(self, phase: LessonPhase) -> int:
        """Return the number of the next hint of a phase, at most the last, and store that it was read."""
        step = min(self.progress.hints.get(phase, 0) + 1, len(self.hints(phase)))
        self.note_hint(phase, step)
        return step

    def note_hint(self, phase: LessonPhase, step: int) -> None:
        """Store that a hint was read."""

        def changed(progress: LessonProgress) -> LessonProgress:
            last = max(step, progress.hints.get(phase, 0))
            return replace(progress, hints={**progress.hints, phase: last})

        self._file.change(self._name, changed)
