"""One attempt at a lesson: moves are made one after another, and each phase is judged by what they left."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final, Self

import msgspec

from authlens_core.learning.attack_moves import perform
from authlens_core.learning.claim import Claim, Source
from authlens_core.learning.judge import ClaimVerdict, TooManySteps, judge
from authlens_core.learning.lesson import QUESTIONS, QUESTIONS_TO_PASS, CourseLesson, LessonPhase, Question
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    DefendMove,
    LoginMove,
    MoveRefused,
    NameMove,
    PointMove,
    PredictMove,
    WorldMove,
)
from authlens_core.learning.outcome import AttemptOutcome, PhaseVerdict
from authlens_core.learning.world import World
from authlens_core.values.errors import LessonRefused, NetworkFailure, TimedOut
from authlens_core.values.quick_dataclass import dataclass

LONGEST: Final = 20.0  # seconds of all the moves of an attempt


@dataclass(frozen=True, slots=True)
class MadeMove:
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
    lesson: CourseLesson, moves: Sequence[AnyMove], *, seed: int = 1, broken: Collection[str] = ()
) -> AttemptOutcome:
    """Make moves and return what came of them; see `LessonAttempt`.

    Raises:
        MoveRefused: one of the moves cannot be made.
        TimedOut: they took longer than 20 seconds.
    """
    try:
        async with asyncio.timeout(LONGEST), LessonAttempt(lesson, seed=seed, broken=broken) as attempt:
            for move in moves:
                await attempt.make(move)
            return attempt.outcome()
    except TimeoutError:
        raise TimedOut(f"The moves took longer than {LONGEST:.0f} seconds.", "Run them again.") from None


class LessonAttempt:
    """An attempt, to which a screen adds moves as they are made. Use it as an asynchronous context manager.

    Each phase has a world of its own: the honest run, the attack, and the attack after the repair. A repair
    that offers no switches goes on in the world of the attack, and a fault is named in the one of the run.

    Args:
        seed: of the worlds.
        broken: faults that the repaired world has besides, which the lesson does not want.

    Attributes:
        phase: where the attempt is.
        world: the one that the next move is made in.
        made: the moves so far.
    """

    def __init__(self, lesson: CourseLesson, *, seed: int = 1, broken: Collection[str] = ()) -> None:
        self.lesson = lesson.for_seed(seed)
        self.seed = seed
        self.phase = LessonPhase.PREDICT
        self._broken = broken
        self._worlds: dict[LessonPhase, World] = {}
        self._attack: list[WorldMove] = []
        self._option = ""
        self._point: PointMove | None = None
        self._named = ""
        self._answers: dict[str, str] = {}
        self._honest: bool | None = None
        self.made: list[MadeMove] = []
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

    @property
    def world(self) -> World | None:
        return self._worlds.get(self.phase)

    def world_of(self, phase: LessonPhase) -> World | None:
        """Return the world that a phase is about: its own, or the last one before it."""
        order = list(LessonPhase)
        before = reversed(order[: order.index(phase) + 1])
        return next((self._worlds[one] for one in before if one in self._worlds), None)

    async def prepare_attack(self) -> None:
        """Make the world of the attack before its first move, to show what leaked."""
        if not self.lesson.attack.causes:  # otherwise it is the world of the run
            with _servers():
                await self._world(LessonPhase.BREAK)

    @property
    def answers(self) -> Mapping[str, str]:
        """The option that was chosen for each question that was answered."""
        return self._answers

    @property
    def next_phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last answer. An exam goes on after a failure."""
        for phase in LessonPhase:
            if phase is LessonPhase.QUESTIONS:
                return phase if len(self._answers) < QUESTIONS else None
            if not (self.verdict(phase).passed or self._is_lost(phase)):
                return phase
        return None

    def _is_lost(self, phase: LessonPhase) -> bool:
        """Return whether the one attempt that an exam gives at a phase is over."""
        if self.lesson.ticket is None:
            return False
        attack = self.lesson.attack
        match phase:
            case LessonPhase.OBSERVE:
                return self._point is not None
            case LessonPhase.BREAK:
                return bool(self._named) if attack.causes else len(self._attack) >= attack.most
            case LessonPhase.REPAIR if self.lesson.repair.offer:
                return self.has_begun(phase)
            case LessonPhase.REPAIR:
                return not self._passed(LessonPhase.BREAK)
        return False

    @property
    def moves(self) -> tuple[AnyMove, ...]:
        return tuple(made.move for made in self.made)

    def has_begun(self, phase: LessonPhase) -> bool:
        """Return whether a move of a phase was made."""
        return any(made.phase is phase for made in self.made)

    async def make(self, move: AnyMove) -> None:
        """Make one move.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
        NetworkFailure: the system refuses what the servers of the lesson need.
        """
        with _servers():
            match move:
                case PredictMove():
                    self._predict(move)
                    made_in = LessonPhase.PREDICT
                case PointMove():
                    self._point_at(move)
                    made_in = LessonPhase.OBSERVE
                case AnswerMove():
                    self._answer(move)
                    made_in = LessonPhase.QUESTIONS
                case NameMove():
                    await self._name(move)
                    made_in = LessonPhase.BREAK
                case DefendMove():
                    await self._defend(move)
                    made_in = LessonPhase.REPAIR
                case _:
                    await self._act(move)
                    made_in = self.phase
        self.made.append(MadeMove(made_in, move))

    def _require(self, condition: object, reason: str) -> None:
        if not condition:
            raise MoveRefused(len(self.made) + 1, reason)

    def _predict(self, move: PredictMove) -> None:
        self._require(not self._option, "the prediction was made already")
        self._require(self.phase is LessonPhase.PREDICT, "a prediction is made before the run")
        self._require(move.option in self.lesson.prediction.options, f"there is no option “{move.option}”")
        self._option, self.phase = move.option, LessonPhase.RUN

    def _point_at(self, move: PointMove) -> None:
        self._require(self.phase is LessonPhase.RUN, "a part is pointed at after the run")
        world = self._worlds.get(LessonPhase.RUN)
        there = [row for row in (world.rows if world else ()) if row.arrow == move.arrow]
        self._require(any(move.part in row.values for row in there), "that arrow has no such part")
        self._point, self.phase = move, LessonPhase.OBSERVE

    async def _name(self, move: NameMove) -> None:
        self._require(self.lesson.attack.causes, "there is no fault to name in this lesson")
        self._require(not self._named, "the fault was named already")
        self._require(self.phase is LessonPhase.OBSERVE, "a fault is named after you point at what shows it")
        self._require(
            move.diagnosis in self.lesson.attack.causes, f"“{move.diagnosis}” is not one of its causes"
        )
        self._named, self.phase = move.diagnosis, LessonPhase.BREAK
        await self._world(LessonPhase.BREAK)

    def _answer(self, move: AnswerMove) -> None:
        self._require(self.has_begun(LessonPhase.RUN), "the questions come after the run")
        known = {question.name for question in self.lesson.questions}
        self._require(move.question in known, "the lesson has no such question")
        self._require(move.question not in self._answers, f"“{move.question}” was answered already")
        self._answers[move.question] = move.option

    async def _act(self, move: WorldMove) -> None:
        """Make a move in the world of its phase, which may be the next one."""
        self._require(self._option, "a prediction comes first")
        phase = self._phase_of(move)
        world = await self._world(phase)
        named, mark = move.credentials, self.lesson.world.mark
        for given in named.values():
            self._require(given.endswith(mark), f"you do not hold {given}")
        move = msgspec.structs.replace(
            move, **{name: given.removesuffix(mark) for name, given in named.items()}
        )
        for name in move.uses:
            self._require(name in world.loot, f"you do not hold ${name}{mark}")
        before, attacks = self.phase, len(self._attack)
        if phase is LessonPhase.BREAK or self.lesson.draws:
            self._attack.append(move)
        self.phase = phase
        try:
            await perform(move, world, self.lesson.attack.seat)
        except LookupError as error:
            self.phase = before
            del self._attack[attacks:]
            raise MoveRefused(len(self.made) + 1, str(error)) from None

    def _phase_of(self, move: WorldMove) -> LessonPhase:
        """Return the phase that a move belongs to."""
        attack, repair = self.lesson.attack, self.lesson.repair
        if self.phase is LessonPhase.RUN and isinstance(move, LoginMove):
            return LessonPhase.RUN
        goes_on = move.verb in repair.moves and (
            self.phase is LessonPhase.REPAIR or self._passed(LessonPhase.BREAK)
        )
        if goes_on:
            return LessonPhase.REPAIR
        self._require(move.verb in attack.moves, f"“{move.verb}” is no move of this phase")
        self._require(self.phase is not LessonPhase.REPAIR, "the attack is over")
        self._require(len(self._attack) < attack.most, f"the attack takes at most {attack.most} moves")
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
        world = World(self.lesson.world, seed=self.seed, switches=switches, faults=faults)
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
        self.phase = LessonPhase.REPAIR
        for attack in self._attack:
            # What an earlier move no longer yields cannot be used by a later one.
            if all(name in world.loot for name in attack.uses):
                await perform(attack, world, self.lesson.attack.seat)
        world.end_of_attack()
        self._honest = await world.honest_login_works()

    def _passed(self, phase: LessonPhase) -> bool:
        verdicts = self.judged(phase, self.lesson.claims_of(phase))
        return bool(verdicts) and all(verdict.holds for verdict in verdicts)

    def judged(self, phase: LessonPhase, claims: Sequence[Claim]) -> tuple[ClaimVerdict, ...]:
        """Return the verdict on claims about what a phase sent."""
        # A world that a refused move started is not there at the next start of the program.
        world = self._worlds.get(phase) if self.has_begun(phase) else None
        rows, loot = ((), {}) if world is None else (world.rows, world.loot | {"named": self._named})
        try:
            return judge(claims, rows, loot)
        except TooManySteps:
            raise LessonRefused(f"The claims of “{self.lesson.name}” are too vague to be judged.") from None

    def verdict(self, phase: LessonPhase) -> PhaseVerdict:
        """Return the verdict on a phase so far."""
        match phase:
            case LessonPhase.PREDICT:
                return PhaseVerdict(phase, passed=bool(self._option), begun=bool(self._option))
            case LessonPhase.OBSERVE:
                return PhaseVerdict(phase, passed=self._pointed_right(), begun=self._point is not None)
            case LessonPhase.QUESTIONS:
                passed = self._right_answers() >= QUESTIONS_TO_PASS
                return PhaseVerdict(phase, passed=passed, begun=bool(self._answers))
        claims = self.judged(phase, self.lesson.claims_of(phase))
        begun = self.has_begun(phase)
        holds = begun and all(claim.holds for claim in claims)
        honest = self._honest if phase is LessonPhase.REPAIR else None
        return PhaseVerdict(
            phase, passed=holds and honest is not False, begun=begun, claims=claims, honest=honest
        )

    def _pointed_right(self) -> bool:
        wanted, point = self.lesson.observation, self._point
        run = self._worlds.get(LessonPhase.RUN)
        if point is None or run is None or point.part not in wanted.parts:
            return False
        there = [
            row
            for row in run.rows
            if row.source is Source.EXCHANGE and row.arrow == point.arrow and point.part in row.values
        ]
        for verdict in self.judged(LessonPhase.RUN, self.lesson.run.claims):
            if verdict.holds and verdict.claim.named == wanted.row:
                row = verdict.rows[0]
                stage = row.values["stage"] if row.source is Source.RECORD else None
                return any(seen.arrow == row.arrow or seen.values["stage"] == stage for seen in there)
        return False

    def _right_answers(self) -> int:
        return sum(
            self._answers.get(question.name) in self.right_options(question)
            for question in self.lesson.questions
        )

    def right_options(self, question: Question) -> Collection[str]:
        """Return the right option; the run says which, or none yet, where the options are claims."""
        return (question.right,) if question.right else self._held(LessonPhase.RUN, question.options)

    def _held(self, phase: LessonPhase, options: Mapping[str, Sequence[Claim]]) -> tuple[str, ...]:
        return tuple(
            option
            for option, claims in options.items()
            if self.has_begun(phase) and all(verdict.holds for verdict in self.judged(phase, claims))
        )

    def held(self) -> tuple[str, ...]:
        """Return the options of the prediction that your own trace bears out; a sound lesson has one."""
        return self._held(self.lesson.prediction.judged_on, self.lesson.prediction.options)

    def outcome(self) -> AttemptOutcome:
        """Return the verdict on the whole attempt."""
        worlds = tuple(dict.fromkeys(self._worlds.values()))  # two phases may share one
        return AttemptOutcome(
            lesson=self.lesson,
            seed=self.seed,
            option=self._option,
            held=self.held(),
            right_answers=self._right_answers(),
            missed=tuple(
                question.name
                for question in self.lesson.questions
                if question.name in self._answers
                and self._answers[question.name] not in self.right_options(question)
            ),
            phases=tuple(self.verdict(phase) for phase in LessonPhase),
            traces=tuple(trace for world in worlds for trace in world.traces),
            events=tuple(event for world in worlds for event in world.events),
            unshown=tuple(
                question.name
                for question in self.lesson.questions
                if not all(claim.holds for claim in self.judged(question.about, question.shown_by))
            ),
        )
