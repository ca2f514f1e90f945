"""One lesson that is being done: what is shown of it, what can be done next, and what a move was worth.

Its moves are stored as they are made, and it goes on where it stopped.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Self

import msgspec

from authlens_core.learning.attempt import LessonAttempt
from authlens_core.learning.guide.offers import Argument, Choice, MoveForm, forms
from authlens_core.learning.guide.story import (
    Part,
    StoryLine,
    exchange_place,
    held,
    parts,
    spoken,
    spoken_value,
    story,
)
from authlens_core.learning.guide.verdict_lines import (
    ClaimState,
    VerdictLine,
    evidence,
    marks,
    outcome_lines,
    prediction_line,
    verdict_lines,
    worth,
)
from authlens_core.learning.lesson import HINTS, PHASE_OF, CourseLesson, LessonPhase
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    MoveRefused,
    PredictMove,
    WorldMove,
    move_in,
)
from authlens_core.learning.progress.progress_file import (
    LessonProgress,
    ProgressFile,
    StoredAttempt,
    progress_name,
)
from authlens_core.learning.verdict import joined
from authlens_core.trace.record import Trace
from authlens_core.values.errors import LessonRefused

__all__ = [
    "TURNED_BACK",
    "Argument",
    "Choice",
    "ClaimState",
    "LessonPhase",
    "MoveForm",
    "OpenLesson",
    "Part",
    "StoryLine",
    "VerdictLine",
    "spoken",
    "spoken_value",
]

TURNED_BACK = "Time is turned back: the same servers start again, and give out the same codes and tokens."
"""What starting a phase over does."""

_LONGEST_PAUSE: Final = 300.0  # seconds between two moves that count as work
_FRESH: Final = 20.0  # seconds in which a world is used further; the shortest of its lifetimes is longer
_SEEDS: Final = 10_000
FIRST_ORDER: Final = 1
"""The questions are asked for the first time; see `CourseLesson.in_order`."""


class OpenLesson:
    """A lesson, where it stopped. Use it as an asynchronous context manager.

    What a phase shows depends on the moves so far. A move is stored after it was made, and before its verdict
    is shown: whenever the process dies, the next one is at the same phase, with the same verdict.

    Args:
        seed: of a new attempt; random if None. An attempt with another one is archived.

    Attributes:
        attempt: the moves made, and their verdicts. Starting over replaces it.
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
        self._lesson = lesson
        self._seed = seed
        self.attempt = LessonAttempt(lesson, order=FIRST_ORDER)
        self.resumed = False
        self.note = ""
        self._file = file
        self._name = progress_name(lesson)
        self._clock = clock
        self._last = clock()

    @property
    def lesson(self) -> CourseLesson:
        """The lesson with what the seed drew, and the letters of this attempt."""
        return self.attempt.lesson

    async def __aenter__(self) -> Self:
        await self._resume()
        return self

    async def _resume(self) -> None:
        stored = self._file.of(self._name).attempt
        if stored is None or not stored.moves:
            seed = self._new_seed() if stored is None or self._seed is not None else stored.seed
            self.attempt = LessonAttempt(self._lesson, seed=seed, order=FIRST_ORDER)
            return
        try:
            if stored.version != self.lesson.version:
                raise LessonRefused("The lesson has a new version")
            if self._seed not in {None, stored.seed}:
                raise LessonRefused(f"Your earlier attempt has the seed {stored.seed}")
            await self._replay(stored.moves, stored.seed, stored.order)
            self.resumed = True
        except LessonRefused as error:
            self.note = f"{error.cause.rstrip('.')}. Your earlier moves are archived; the lesson starts over."
            await self._replay((), self._new_seed(), FIRST_ORDER)
        self._last = self._clock()

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
        """The first question without an answer; the last one after that."""
        names = [question.name for question in self.lesson.questions]
        return next((name for name in names if name not in self.attempt.answers), names[-1])

    async def prepare(self) -> None:
        """Start the servers of the attack before its first move, to show what leaked."""
        if self.next_phase is LessonPhase.BREAK:
            await self.attempt.prepare_attack()

    # -- what a phase shows ----------------------------------------------------------------------------

    def text(self, phase: LessonPhase, question: str = "") -> str:
        """Return what a phase is about, or a question of it."""
        return self.lesson.words.texts[f"questions/{question}" if question else phase.value]

    def options(self, phase: LessonPhase, question: str = "") -> Mapping[str, str]:
        """Return what can be chosen: options by their letters, or switches by their names; or nothing."""
        known = {
            LessonPhase.PREDICT: tuple(self.lesson.prediction.claims),
            LessonPhase.REPAIR: self.lesson.repair.offer,
            LessonPhase.QUESTIONS: ("a", "b", "c"),
        }
        about = f"questions/{question}" if question else phase.value
        return self.lesson.words.options(about, known.get(phase, ()))

    def forms(self, phase: LessonPhase) -> tuple[MoveForm, ...]:
        """Return the moves of a phase with the credentials that are held; none where something is chosen."""
        world = self.attempt.world_of(phase)
        return forms(self.lesson, phase, () if world is None else world.loot)

    def held(self, phase: LessonPhase) -> tuple[tuple[str, str], ...]:
        """Return the credentials that are in your hands, by name, masked; none where no move can use them."""
        world = self.attempt.world_of(phase)
        return held(world) if world and self.forms(phase) else ()

    def has_servers(self, phase: LessonPhase) -> bool:
        """Return whether there are servers that a phase is about."""
        return self.attempt.world_of(phase) is not None

    def told_in(self, phase: LessonPhase, question: str = "") -> LessonPhase:
        """Return the phase whose requests are shown: of a question, the one that it is about."""
        return self.lesson.question(question).about if question else phase

    def evidence(self, question: str) -> tuple[StoryLine, str] | None:
        """Return what shows the right answer to a question; see `verdict_lines.evidence`."""
        return evidence(self.attempt, question)

    def story(self, phase: LessonPhase) -> tuple[StoryLine, ...]:
        """Return who said what so far."""
        return story(self.attempt.world_of(phase))

    def parts(self, phase: LessonPhase, arrow: int) -> tuple[Part, ...]:
        """Return the parts of a request and its answer, masked; nothing if there is no such arrow."""
        world = self.attempt.world_of(phase)
        line = next((one for one in self.story(phase) if one.arrow == arrow and one.receiver), None)
        return () if world is None or line is None else tuple(parts(world, line.row))

    def trace(self, phase: LessonPhase, arrow: int) -> tuple[Trace, tuple[int, int]] | None:
        """Return everything that was sent, and where an arrow is in it; None before anything was."""
        world = self.attempt.world_of(phase)
        if world is None or not world.traces:
            return None
        return joined(world.traces), exchange_place(world.traces, arrow)

    def proofs(self, phase: LessonPhase) -> tuple[VerdictLine, ...]:
        """Return what is to be proved in a phase, and what came of it."""
        return verdict_lines(self.attempt.verdict(phase), self.lesson.words) if phase.is_judged else ()

    def verdict(self) -> tuple[str, ...]:
        """Return the verdict on all phases, line by line."""
        return tuple(outcome_lines(self.attempt.outcome()))

    def prediction(self) -> tuple[str, ...]:
        """Return what was predicted, and what the moves say once they say it."""
        return tuple(prediction_line(self.attempt.outcome()))

    def marks(self, question: str) -> Iterator[tuple[str, str]]:
        """Yield each option of an answered question with its sign: right, chosen in vain, or neither."""
        return marks(self.attempt, question)

    def hints(self, phase: LessonPhase) -> tuple[str, ...]:
        """Return the hints of a phase."""
        return self.lesson.words.hints(phase)

    # -- moves -----------------------------------------------------------------------------------------

    def typed(self, line: str) -> AnyMove:
        """Return the move of a line that is typed now.

        Raises:
            LessonRefused: it is none, or is for another phase.
        """
        move, now = move_in(line), self.next_phase
        phase = PHASE_OF.get(type(move))
        if phase is not None and now is not None and phase is not now:
            raise LessonRefused(f"{move.verb} is for the phase {phase.value}, and this is {now.value}.")
        return move

    @property
    def progress(self) -> LessonProgress:
        return self._file.of(self._name)

    async def _replay(self, moves: Sequence[AnyMove], seed: int, order: int) -> None:
        """Make moves in a fresh attempt, which replaces the one so far if all can be made."""
        fresh = LessonAttempt(self._lesson, seed=seed, order=order)
        try:
            await fresh.make_all(moves)
        except BaseException:
            await fresh.__aexit__()
            raise
        await self.attempt.__aexit__()
        self.attempt = fresh

    async def make(self, move: AnyMove) -> None:
        """Make one move, and store it.

        What was pointed at, named or turned in vain is replaced by the next one. Where
        tokens may have expired while you read, the moves so far are made again before this one.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
            TimedOut: it took longer than 20 seconds; the attempt is as it was before it.
            StateUnusable: it was made, and could not be stored.
        """
        before, seed, order = self.attempt.moves, self.attempt.seed, self.attempt.order
        phase = PHASE_OF.get(type(move))
        in_vain = phase and self.attempt.has_begun(phase) and not self.attempt.verdict(phase).passed
        if phase and in_vain and phase is not LessonPhase.QUESTIONS:
            await self._replay((*self._before(phase), move), seed, order)
        elif isinstance(move, WorldMove) and self._clock() - self._last > _FRESH:
            await self._replay((*before, move), seed, order)
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
            await self._replay(before, self.attempt.seed, self.attempt.order)  # half a move is none
            raise

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
            order=self.attempt.order,
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

    async def start_over(self, phase: LessonPhase | None = None) -> None:
        """Start a phase over, or the whole lesson. The moves so far are archived, and the questions stay.

        Questions that start over come in another order, with other letters.

        Raises:
            TimedOut: the moves before the phase took longer than 20 seconds.
        """
        asks_again = phase is LessonPhase.QUESTIONS
        await self._go_back(self._before(phase) if phase else (), self.attempt.order + asks_again)

    def _before(self, phase: LessonPhase) -> tuple[AnyMove, ...]:
        """Return the moves that stay if a phase starts over."""
        before = phase.until[:-1]
        if LessonPhase.RUN in before and phase is not LessonPhase.QUESTIONS:
            before.append(LessonPhase.QUESTIONS)
        return tuple(made.move for made in self.attempt.made if made.phase in before)

    async def undo(self) -> None:
        """Take the last move back.

        Raises:
            TimedOut: the moves before it took longer than 20 seconds.
        """
        await self._go_back(self.attempt.moves[:-1], self.attempt.order)

    async def _go_back(self, moves: Sequence[AnyMove], order: int) -> None:
        if moves:
            await self._replay(moves, self.attempt.seed, order)
        else:
            await self._replay((), self._new_seed(), FIRST_ORDER)
        self._store(lambda known: known)

    def next_hint(self, phase: LessonPhase) -> int:
        """Return the number of the next hint of a phase, and store that it was read; the last one stays."""
        step = min(self.progress.hints.get(phase, 0) + 1, HINTS)
        self.note_hint(phase, step)
        return step

    def note_hint(self, phase: LessonPhase, step: int) -> None:
        """Store that a hint was read."""
        self._file.change(self._name, lambda known: known.with_hint(phase, step))

    def worth(self, move: AnyMove, phase: LessonPhase) -> str:
        """Return in a sentence or two what a move was worth, just after it was made in a phase."""
        return worth(self.attempt, move, phase)
