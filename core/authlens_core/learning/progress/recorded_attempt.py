"""An attempt whose moves are stored as they are made, and that goes on where it stopped."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final, Self

import msgspec

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.class_folder import ClassFile, class_file
from authlens_core.learning.lesson import HINTS, PHASE_OF, CourseLesson, LessonPhase
from authlens_core.learning.moves import AnswerMove, AnyMove, MoveRefused, PredictMove, WorldMove
from authlens_core.learning.outcome import AttemptOutcome
from authlens_core.learning.progress.progress_file import (
    LessonProgress,
    ProgressFile,
    StoredAttempt,
    progress_name,
)
from authlens_core.values.errors import LessonRefused

_LONGEST_PAUSE: Final = 300.0  # seconds between two moves that count as work
_FRESH: Final = 20.0  # seconds in which a world is used further; the shortest of its lifetimes is longer
_SEEDS: Final = 10_000


class RecordedAttempt:
    """An attempt at a lesson, as `learn.json` has it. Use it as an asynchronous context manager.

    A move is stored after it was made, and before its verdict is shown: whenever the process dies, the next
    one is at the same phase, with the same verdict.

    Attributes:
        attempt: the moves made, and their verdicts. Starting over replaces it.
        resumed: whether it goes on with moves of an earlier process.
        note: why an earlier attempt could not go on, or why the class cannot see it; empty otherwise.
    """

    def __init__(
        self,
        lesson: CourseLesson,
        file: ProgressFile,
        *,
        clock: Callable[[], float] = time.monotonic,
        shown_in: ClassFile | None = None,
    ) -> None:
        self.lesson = lesson
        self.attempt = LessonAttempt(lesson)
        self.resumed = False
        self.note = ""
        self._file = file
        self._name = progress_name(lesson)
        self._class = shown_in or class_file()
        self._clock = clock
        self._last = clock()

    async def __aenter__(self) -> Self:
        await self._resume()
        self._show_class(self.attempt.outcome())
        if self._class is not None:
            self.note = self.note or self._class.problem
        return self

    async def _resume(self) -> None:
        stored = self._file.of(self._name).attempt
        if stored is None or not stored.moves:
            self.attempt = LessonAttempt(
                self.lesson, seed=self._new_seed() if stored is None else stored.seed
            )
            return
        try:
            if stored.version != self.lesson.version:
                raise LessonRefused("The lesson has a new version")
            await self._replay(stored.moves, stored.seed)
            self.resumed = True
        except LessonRefused as error:
            self.note = f"{error.cause.rstrip('.')}. Your earlier moves are archived; the lesson starts over."
            await self._replay((), self._new_seed())
        self._last = self._clock()

    async def __aexit__(self, *_: object) -> None:
        if self._class is not None:
            self._class.flush()
        await self.attempt.__aexit__()

    def _new_seed(self) -> int:
        """Return the seed of a new attempt; in an exam each has the ticket's."""
        ticket = self.lesson.ticket
        return secrets.randbelow(_SEEDS) if ticket is None else ticket.seed

    @property
    def progress(self) -> LessonProgress:
        return self._file.of(self._name)

    async def _replay(self, moves: Sequence[AnyMove], seed: int) -> None:
        """Make moves in a fresh attempt, which replaces the one so far if all can be made."""
        fresh = LessonAttempt(self.lesson, seed=seed)
        try:
            await fresh.make_all(moves)
        except BaseException:
            await fresh.__aexit__()
            raise
        await self.attempt.__aexit__()
        self.attempt = fresh

    async def make(self, move: AnyMove) -> None:
        """Make one move, and store it.

        What was pointed at, named or turned in vain is replaced by the next one, except in an exam. Where
        tokens may have expired while you read, the moves so far are made again before this one.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
            TimedOut: it took longer than 20 seconds; the attempt is as it was before it.
            StateUnusable: it was made, and could not be stored.
        """
        before, seed = self.attempt.moves, self.attempt.seed
        self._require_one_window(before)
        phase = PHASE_OF.get(type(move))
        in_vain = phase and self.attempt.has_begun(phase) and not self.attempt.verdict(phase).passed
        if phase and in_vain and phase is not LessonPhase.QUESTIONS:
            self._require_no_exam()
            await self._replay((*self._before(phase), move), seed)
        elif isinstance(move, WorldMove) and self._clock() - self._last > _FRESH:
            await self._replay((*before, move), seed)
        else:
            await self._add(move)
        *earlier, made = self.attempt.made
        is_try = all(one.phase is not made.phase for one in earlier)
        self._store(lambda known: self._judged(known.with_try(made.phase) if is_try else known, move))

    async def _add(self, move: AnyMove) -> None:
        before = self.attempt.moves
        try:
            await self.attempt.make_all([move])
        except MoveRefused:
            raise
        except BaseException:
            await self._replay(before, self.attempt.seed)  # half a move is none
            raise

    def _require_one_window(self, made: Sequence[AnyMove]) -> None:
        """Refuse to go on with an exam where it was left: what was done since in another window stays."""
        stored = self.progress.attempt if self.lesson.ticket else None
        if stored is not None and stored.moves != tuple(made):
            reason = "this exam went on in another window, and that stays: open it again"
            raise MoveRefused(len(made) + 1, reason)

    def _require_no_exam(self) -> None:
        """Refuse a second attempt in an exam: after the verdict it would show nothing."""
        if self.lesson.ticket is not None:
            raise MoveRefused(len(self.attempt.made) + 1, "in an exam you have one attempt, and it stays")

    def _judged(self, known: LessonProgress, move: AnyMove) -> LessonProgress:
        """Return the progress with what only the last move says."""
        match move:
            case PredictMove() if not known.first_prediction:
                return msgspec.structs.replace(known, first_prediction=move.option)
            case AnswerMove():
                missed = self.attempt.outcome().missed
                return known.with_answer(move.question, right=move.question not in missed)
        return known

    def _store(self, change: Callable[[LessonProgress], LessonProgress]) -> None:
        outcome = self.attempt.outcome()
        attempt = StoredAttempt(
            version=self.lesson.version,
            digest=self.lesson.digest,
            seed=self.attempt.seed,
            moves=self.attempt.moves,
            passed=tuple(verdict.phase for verdict in outcome.phases if verdict.passed),
            right=outcome.right_answers,
        )
        now = self._clock()
        spent = min(now - self._last, _LONGEST_PAUSE)
        self._last = now - spent % 1  # the rest of a second counts later

        def changed(known: LessonProgress) -> LessonProgress:
            known = change(known.with_attempt(attempt))
            version = self.lesson.version if outcome.passed else known.passed_version
            return msgspec.structs.replace(known, passed_version=version, seconds=known.seconds + int(spent))

        self._file.change(self._name, changed)
        self._show_class(outcome)

    def _show_class(self, outcome: AttemptOutcome) -> None:
        if self._class is not None:
            self._class.show(outcome, self._file.read())

    async def start_over(self, phase: LessonPhase | None = None) -> None:
        """Start a phase over, or the whole lesson. The moves so far are archived, and the questions stay.

        Raises:
            MoveRefused: it is an exam.
            TimedOut: the moves before the phase took longer than 20 seconds.
        """
        self._require_no_exam()
        kept = self._before(phase) if phase else ()
        await self._replay(kept, self.attempt.seed if kept else self._new_seed())
        self._store(lambda known: known)

    def _before(self, phase: LessonPhase) -> tuple[AnyMove, ...]:
        """Return the moves that stay if a phase starts over."""
        before = phase.until[:-1]
        if LessonPhase.RUN in before and phase is not LessonPhase.QUESTIONS:
            before.append(LessonPhase.QUESTIONS)
        return tuple(made.move for made in self.attempt.made if made.phase in before)

    async def undo(self) -> None:
        """Take the last move back.

        Raises:
            MoveRefused: it is an exam.
            TimedOut: the moves before it took longer than 20 seconds.
        """
        self._require_no_exam()
        await self._replay(self.attempt.moves[:-1], self.attempt.seed)
        self._store(lambda known: known)

    def next_hint(self, phase: LessonPhase) -> int:
        """Return the number of the next hint of a phase, and store that it was read; the last one stays.

        Raises:
            LessonRefused: it is an exam.
        """
        if self.lesson.ticket is not None:
            raise LessonRefused("There are no hints in an exam.")
        step = min(self.progress.hints.get(phase, 0) + 1, HINTS)
        self.note_hint(phase, step)
        return step

    def note_hint(self, phase: LessonPhase, step: int) -> None:
        """Store that a hint was read."""
        self._file.change(self._name, lambda known: known.with_hint(phase, step))
