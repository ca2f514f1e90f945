"""One attempt at a lesson: moves are made one after another, and each phase is judged by what they left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final, Self, TypeVar

from msgspec import Struct

from authlens_core.learning.attack_moves import perform
from authlens_core.learning.claim import Claim
from authlens_core.learning.lesson import (
    PHASE_OF,
    QUESTIONS,
    QUESTIONS_TO_PASS,
    CourseLesson,
    LessonPhase,
    Question,
)
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    DefendMove,
    LoginMove,
    Move,
    MoveRefused,
    NameMove,
    PointMove,
    PredictMove,
    WorldMove,
)
from authlens_core.learning.row import Source
from authlens_core.learning.verdict import AttemptOutcome, ClaimVerdict, PhaseVerdict, TooManySteps, judge
from authlens_core.learning.world import World
from authlens_core.values.errors import LessonRefused, NetworkFailure, TimedOut

LONGEST: Final = 20.0  # seconds of all the moves of an attempt, where no others share its thread
_Kind = TypeVar("_Kind", bound=Move)


class MadeMove(Struct, frozen=True):
    """A move that was made, and the phase that it belongs to."""

    phase: LessonPhase
    move: AnyMove


@contextmanager
def _servers() -> Iterator[None]:
    """Say of the servers of a lesson what the system refused to them."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise NetworkFailure(f"The servers of the lesson cannot run: {reason}.", "Try again.") from None


async def attempt_of(
    lesson: CourseLesson,
    moves: Sequence[AnyMove],
    *,
    seed: int = 1,
    order: int = 0,
    broken: Collection[str] = (),
    at_once: int = 1,
) -> AttemptOutcome:
    """Make moves and return what came of them; see `LessonAttempt.make_all`.

    Args:
        at_once: how many attempts there are in this thread: each is as much slower as there are others.
    """
    async with LessonAttempt(lesson, seed=seed, order=order, broken=broken) as attempt:
        await attempt.make_all(moves, longest=LONGEST * at_once)
        return attempt.outcome()


class LessonAttempt:
    """An attempt, to which a screen adds moves as they are made. Use it as an asynchronous context manager.

    Each phase has a world of its own: the honest run, the attack, and the attack after the repair. A repair
    that offers no switches goes on in the world of the attack, and a fault is named in the one of the run.

    Args:
        seed: of the worlds.
        order: how often its questions are asked; see `CourseLesson.in_order`.
        broken: faults that the repaired world has besides, which the lesson does not want.

    Attributes:
        made: the moves so far.
    """

    def __init__(
        self, lesson: CourseLesson, *, seed: int = 1, order: int = 0, broken: Collection[str] = ()
    ) -> None:
        self.lesson = lesson.for_seed(seed).in_order(seed, order)
        self.seed = seed
        self.order = order
        self.made: list[MadeMove] = []
        self._broken = broken
        self._worlds: dict[LessonPhase, World] = {}
        self._honest: bool | None = None
        self._running = AsyncExitStack()
        self._ending: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end_world()
        await asyncio.gather(*self._ending)

    def _end_world(self) -> None:
        """Stop the world of the phase before, without a wait for its servers to be gone."""
        running, self._running = self._running, AsyncExitStack()
        self._ending.append(asyncio.create_task(running.aclose()))

    # -- what was done so far --------------------------------------------------------------------------

    @property
    def moves(self) -> tuple[AnyMove, ...]:
        return tuple(made.move for made in self.made)

    def has_begun(self, phase: LessonPhase) -> bool:
        """Return whether a move of a phase was made."""
        return any(made.phase is phase for made in self.made)

    @property
    def phase(self) -> LessonPhase:
        """Where the attempt is; questions can be answered in between."""
        begun = [made.phase for made in self.made if made.phase is not LessonPhase.QUESTIONS]
        if not begun:
            return LessonPhase.PREDICT
        return LessonPhase.RUN if begun[-1] is LessonPhase.PREDICT else begun[-1]

    def _made_of(self, kind: type[_Kind]) -> _Kind | None:
        """Return the move of a kind that is made once; None before it."""
        return next((made.move for made in self.made if isinstance(made.move, kind)), None)

    @property
    def answers(self) -> Mapping[str, str]:
        """The option that was chosen for each question that was answered."""
        return {move.question: move.option for move in self.moves if isinstance(move, AnswerMove)}

    @property
    def moves_left(self) -> int:
        """How many moves the attack may still have."""
        return self.lesson.attack.most - sum(made.phase is LessonPhase.BREAK for made in self.made)

    def world_of(self, phase: LessonPhase) -> World | None:
        """Return the world that a phase is about: its own, or the last one before it."""
        return next((self._worlds[one] for one in reversed(phase.until) if one in self._worlds), None)

    @property
    def next_phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last answer."""
        for phase in LessonPhase:
            if phase is LessonPhase.QUESTIONS:
                return phase if len(self.answers) < QUESTIONS else None
            if not self.verdict(phase).passed:
                return phase
        return None

    # -- moves -----------------------------------------------------------------------------------------

    async def make_all(self, moves: Sequence[AnyMove], longest: float = LONGEST) -> None:
        """Make moves one after another; see `make`.

        Raises:
            TimedOut: they took longer than `longest`, in seconds.
        """
        try:
            async with asyncio.timeout(longest):
                for move in moves:
                    await self.make(move)
        except TimeoutError:
            raise TimedOut(f"The moves took longer than {longest:.0f} seconds.", "Try again.") from None

    async def make(self, move: AnyMove) -> None:
        """Make one move.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
            NetworkFailure: the system refuses what the servers of the lesson need.
        """
        phase = PHASE_OF.get(type(move)) or self.phase
        with _servers():
            match move:
                case PredictMove():
                    self._require(not self.made, "the prediction was made already")
                    known = move.option in self.lesson.prediction.claims
                    self._require(known, f"there is no option “{move.option}”")
                case PointMove():
                    self._require_part(move)
                case AnswerMove():
                    self._require_question(move)
                case NameMove():
                    self._require_cause(move)
                    await self._world(phase)
                case DefendMove():
                    await self._defend(move)
                case _:
                    phase = await self._act(move)
        self.made.append(MadeMove(phase, move))

    async def prepare_attack(self) -> None:
        """Make the world of the attack before its first move, to show what leaked."""
        if not self.lesson.attack.causes:  # otherwise it is the world of the run
            with _servers():
                await self._world(LessonPhase.BREAK)

    def _require(self, condition: object, reason: str) -> None:
        if not condition:
            raise MoveRefused(len(self.made) + 1, reason)

    def _require_part(self, move: PointMove) -> None:
        self._require(self.phase is LessonPhase.RUN, "a part is pointed at after the run")
        world = self._worlds.get(LessonPhase.RUN)
        there = [row for row in (world.rows if world else ()) if row.arrow == move.arrow]
        self._require(any(move.part in row.values for row in there), "that arrow has no such part")

    def _require_question(self, move: AnswerMove) -> None:
        self._require(self.has_begun(LessonPhase.RUN), "the questions come after the run")
        known = {question.name for question in self.lesson.questions}
        self._require(move.question in known, "the lesson has no such question")
        self._require(move.question not in self.answers, f"“{move.question}” was answered already")

    def _require_cause(self, move: NameMove) -> None:
        causes = self.lesson.attack.causes
        self._require(causes, "there is no fault to name in this lesson")
        self._require(self._made_of(NameMove) is None, "the fault was named already")
        after = self.phase is LessonPhase.OBSERVE
        self._require(after, "a fault is named after you point at what shows it")
        self._require(move.diagnosis in causes, f"“{move.diagnosis}” is not one of its causes")

    async def _act(self, move: WorldMove) -> LessonPhase:
        """Make a move in the world of its phase, which may be the next one, and return this phase."""
        self._require(self.made, "a prediction comes first")
        phase = self._phase_of(move)
        world = await self._world(phase)
        for name in move.uses:
            self._require(name in world.loot, f"you do not hold ${name}")
        try:
            await perform(move, world)
        except LookupError as error:
            raise MoveRefused(len(self.made) + 1, str(error)) from None
        return phase

    def _phase_of(self, move: WorldMove) -> LessonPhase:
        """Return the phase that a move in a world belongs to."""
        attack, repair = self.lesson.attack, self.lesson.repair
        if self.phase is LessonPhase.RUN and isinstance(move, LoginMove):
            return LessonPhase.RUN
        is_repairing = self.phase is LessonPhase.REPAIR
        if move.verb in repair.moves and (is_repairing or self.verdict(LessonPhase.BREAK).passed):
            return LessonPhase.REPAIR
        self._require(move.verb in attack.moves, f"“{move.verb}” is no move of this phase")
        self._require(not is_repairing, "the attack is over")
        self._require(self.moves_left > 0, f"the attack takes at most {attack.most} moves")
        return LessonPhase.BREAK

    async def _world(self, phase: LessonPhase, switches: Collection[str] = ()) -> World:
        """Return the world of a phase; a new one has in it what leaks in this lesson."""
        if phase in self._worlds:
            return self._worlds[phase]
        if phase is LessonPhase.REPAIR and not self.lesson.repair.offer:
            return self._worlds.setdefault(phase, self._worlds[LessonPhase.BREAK])
        if phase is LessonPhase.BREAK and self.lesson.draws:
            return self._worlds.setdefault(phase, self._worlds[LessonPhase.RUN])
        self._end_world()
        faults = self._broken if phase is LessonPhase.REPAIR else ()
        world = World(
            self.lesson.world, seed=self.seed, seat=self.lesson.attack.seat, switches=switches, faults=faults
        )
        await self._running.enter_async_context(world)
        if phase is not LessonPhase.RUN:
            await world.leak(self.lesson.attack.loot)
        return self._worlds.setdefault(phase, world)

    async def _defend(self, move: DefendMove) -> None:
        """Make the same attack in a world with these switches, and then log in honestly."""
        repair = self.lesson.repair
        self._require(self.has_begun(LessonPhase.RUN), "the run comes first")
        self._require(not self.has_begun(LessonPhase.REPAIR), "the switches were turned already")
        self._require(repair.offer, "there are no switches in this lesson")
        self._require(move.on, "turn a switch on")
        self._require(set(move.on) <= set(repair.offer), "there is no such switch in this lesson")
        within = len(set(move.on)) == len(move.on) <= repair.budget
        self._require(within, f"at most {repair.budget} of the switches can be turned")
        world = await self._world(LessonPhase.REPAIR, move.on)
        attacked = {LessonPhase.BREAK, *([LessonPhase.RUN] if self.lesson.draws else [])}
        for made in self.made:
            if made.phase in attacked and isinstance(made.move, WorldMove):
                again = made.move
                # What an earlier move no longer yields cannot be used by a later one.
                if all(name in world.loot for name in again.uses):
                    await perform(again, world)
        world.end_of_attack()
        self._honest = await world.honest_login_works()

    # -- verdicts --------------------------------------------------------------------------------------

    def judged(self, phase: LessonPhase, claims: Sequence[Claim]) -> tuple[ClaimVerdict, ...]:
        """Return the verdict on claims about what a phase sent."""
        # A world that a refused move started is not there at the next start of the program.
        world = self._worlds.get(phase) if self.has_begun(phase) else None
        named = self._made_of(NameMove)
        loot = {} if world is None else world.loot | {"named": named.diagnosis if named else ""}
        try:
            return judge(claims, () if world is None else world.rows, loot)
        except TooManySteps:
            raise LessonRefused(f"The claims of “{self.lesson.name}” are too vague to be judged.") from None

    def verdict(self, phase: LessonPhase) -> PhaseVerdict:
        """Return the verdict on a phase so far."""
        begun = self.has_begun(phase)
        if phase.is_judged:
            claims = self.judged(phase, self.lesson.claims_of(phase))
            wants_honest = phase is LessonPhase.REPAIR and bool(self.lesson.repair.offer)
            honest = self._honest if wants_honest else None
            passed = begun and all(claim.holds for claim in claims) and honest is not False
            return PhaseVerdict(phase, passed, begun, claims, honest, wants_honest)
        if phase is LessonPhase.OBSERVE:
            return PhaseVerdict(phase, self._pointed_right(), begun)
        enough = phase is LessonPhase.PREDICT or self._right_answers() >= QUESTIONS_TO_PASS
        return PhaseVerdict(phase, begun and enough, begun)

    def _pointed_right(self) -> bool:
        wanted, point = self.lesson.observation, self._made_of(PointMove)
        run = self._worlds.get(LessonPhase.RUN)
        if point is None or run is None or point.part not in wanted.parts:
            return False
        judged = self.judged(LessonPhase.RUN, self.lesson.run.claims)
        shown = [each.rows[0] for each in judged if each.holds and each.claim.named == wanted.row]
        return any(
            seen.arrow == row.arrow
            or (row.source is Source.RECORD and seen.values["stage"] == row.values["stage"])
            for seen in run.rows
            if seen.source is Source.EXCHANGE and seen.arrow == point.arrow and point.part in seen.values
            for row in shown
        )

    def is_right(self, question: Question) -> bool:
        """Return whether a question was answered right."""
        return self.answers.get(question.name) in self.right_options(question)

    def _right_answers(self) -> int:
        return sum(map(self.is_right, self.lesson.questions))

    def right_options(self, question: Question) -> Collection[str]:
        """Return the right option; the run says which, or none yet, where the options are claims."""
        return (question.right,) if question.right else self._held(LessonPhase.RUN, question.claims)

    def _held(self, phase: LessonPhase, options: Mapping[str, Sequence[Claim]]) -> tuple[str, ...]:
        return tuple(
            option
            for option, claims in options.items()
            if self.has_begun(phase) and all(verdict.holds for verdict in self.judged(phase, claims))
        )

    def _shows_a_refusal(self, question: Question) -> bool:
        verdicts = self.judged(question.about, question.shown_by)
        shown = verdicts[-1].rows[:1] if verdicts else ()
        return any(row.is_refusal for row in shown)

    def outcome(self) -> AttemptOutcome:
        """Return the verdict on the whole attempt."""
        worlds = tuple(dict.fromkeys(self._worlds.values()))  # two phases may share one
        prediction, predicted = self.lesson.prediction, self._made_of(PredictMove)
        asked = self.lesson.questions
        return AttemptOutcome(
            lesson=self.lesson,
            seed=self.seed,
            option="" if predicted is None else predicted.option,
            held=self._held(prediction.judged_on, prediction.claims),
            right_answers=self._right_answers(),
            missed=tuple(one.name for one in asked if one.name in self.answers and not self.is_right(one)),
            phases=tuple(self.verdict(phase) for phase in LessonPhase),
            traces=tuple(trace for world in worlds for trace in world.traces),
            events=tuple(event for world in worlds for event in world.events),
            unshown=tuple(
                one.name
                for one in asked
                if not all(claim.holds for claim in self.judged(one.about, one.shown_by))
            ),
            unrefused=tuple(one.name for one in asked if one.refusal and not self._shows_a_refusal(one)),
        )
