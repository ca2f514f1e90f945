"""One attempt at a lesson: moves are made one after another, and each phase is judged by its record."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

from msgspec.structs import replace

from authlens_core.export.saved_file import typed_path, write_export
from authlens_core.export.session_file import session_json
from authlens_core.trace.record import Trace
from authlens_core.values.errors import NetworkFailure, TimedOut
from authlens_lab.learning.claim import Claim
from authlens_lab.learning.lesson import CourseLesson, Question
from authlens_lab.learning.moves import LessonPhase, MadeMove, Move, MoveRefused
from authlens_lab.learning.row import EvidenceRow, Source
from authlens_lab.learning.verdict import ClaimVerdict, PhaseVerdict, confirmed, judge, trace_of
from authlens_lab.learning.world import World

LONGEST: Final = 20.0  # seconds of all the moves of an attempt, where no others share its thread


async def attempt_of(
    lesson: CourseLesson,
    moves: Sequence[Move],
    *,
    seed: int = 1,
    order: int = 0,
    broken: Collection[str] = (),
    at_once: int = 1,
) -> LessonAttempt:
    """Make moves and return the attempt, with its servers stopped; see `LessonAttempt.make_all`.

    Args:
        at_once: how many attempts there are in this thread: each is as much slower as there are others.
    """
    async with LessonAttempt(lesson, seed=seed, order=order, broken=broken) as attempt:
        await attempt.make_all(moves, longest=LONGEST * at_once)
    return attempt


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

    @property
    def moves(self) -> tuple[Move, ...]:
        return tuple(step.move for step in self.made)

    def has_begun(self, phase: LessonPhase) -> bool:
        """Return whether a move of a phase was made."""
        return any(step.phase is phase for step in self.made)

    @property
    def phase(self) -> LessonPhase:
        """Where the attempt is; questions can be answered in between."""
        begun = [step.phase for step in self.made if step.phase is not LessonPhase.QUESTIONS]
        if not begun:
            return LessonPhase.PREDICT
        return LessonPhase.RUN if begun[-1] is LessonPhase.PREDICT else begun[-1]

    def _last(self, verb: str) -> Move | None:
        return next((move for move in reversed(self.moves) if move.verb == verb), None)

    @property
    def answers(self) -> Mapping[str, str]:
        """The option that was chosen for each question that was answered."""
        return {move["question"]: move["option"] for move in self.moves if move.verb == "answer"}

    @property
    def moves_left(self) -> int:
        """How many moves the attack may still have."""
        return self.lesson.attack.most - sum(step.phase is LessonPhase.BREAK for step in self.made)

    def world_of(self, phase: LessonPhase) -> World | None:
        """Return the world that a phase is about: its own, or the last one before it."""
        return next((self._worlds[one] for one in reversed(phase.until) if one in self._worlds), None)

    def rows_of(self, phase: LessonPhase) -> tuple[EvidenceRow, ...]:
        """Return what happened in the world that a phase is about."""
        world = self.world_of(phase)
        return () if world is None else world.rows

    @property
    def next_phase(self) -> LessonPhase | None:
        """The first phase that is not passed; None after the last answer."""
        for phase in self.lesson.phases:
            if phase is LessonPhase.QUESTIONS:
                return phase if len(self.answers) < len(self.lesson.questions) else None
            if not self.verdict(phase).passed:
                return phase
        return None

    async def make_all(self, moves: Sequence[Move], longest: float = LONGEST) -> None:
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

    async def make(self, move: Move) -> None:
        """Make one move.

        Raises:
            MoveRefused: it cannot be made now; nothing was done.
            NetworkFailure: the system refuses what the servers of the lesson need.
        """
        phase = move.kind.phase or self._phase_of(move)
        with self._servers():
            match move.verb:
                case "predict":
                    self._require(not self.made, "the prediction was made already")
                    there = move["option"] in self.lesson.prediction.options
                    self._require(there, f"there is no option “{move['option']}”")
                case "point":
                    self._require(self.phase is LessonPhase.RUN, "a part is pointed at after the run")
                    rows = self.rows_of(LessonPhase.RUN)
                    there = any(row.has(move["arrow"], move["part"]) for row in rows)
                    self._require(there, "that arrow has no such part")
                case "answer":
                    self._require_question(move["question"])
                case "name":
                    self._require_cause(move["diagnosis"])
                    await self._world(phase)
                case "defend":
                    await self._defend(move)
                case _:
                    await self._act(move, phase)
        self.made.append(MadeMove(phase, move))

    async def make_after(self, steps: Sequence[MadeMove], move: Move, phase: LessonPhase) -> None:
        """Make a move of a phase after some of the moves so far, without a change to earlier worlds.

        Raises:
            MoveRefused: it cannot be made; nothing was done.
            TimedOut: it took longer than 20 seconds; the attempt is as it was before.
        """
        before = self.made, self._worlds, self._honest
        self.made, self._honest = [*steps], None
        self._worlds = {each: self._worlds[each] for each in phase.until[:-1] if each in self._worlds}
        try:
            await self.make_all([move])
        except BaseException:
            self.made, self._worlds, self._honest = before
            raise

    async def prepare_attack(self) -> None:
        """Make the world of the attack before its first move, to show what leaked."""
        if not self.lesson.attack.causes:  # otherwise it is the world of the run
            with self._servers():
                await self._world(LessonPhase.BREAK)

    @contextmanager
    def _servers(self) -> Iterator[None]:
        """Turn errors of the lesson's servers into errors that the learner can read."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise NetworkFailure(f"The servers of the lesson cannot run: {reason}.", "Try again.") from None
        except LookupError as error:
            raise MoveRefused(len(self.made) + 1, str(error)) from None

    def _require(self, condition: object, reason: str) -> None:
        if not condition:
            raise MoveRefused(len(self.made) + 1, reason)

    def _require_question(self, name: str) -> None:
        self._require(self.has_begun(LessonPhase.RUN), "the questions come after the run")
        there = name in {question.name for question in self.lesson.questions}
        self._require(there, "the lesson has no such question")
        self._require(name not in self.answers, f"“{name}” was answered already")

    def _require_cause(self, name: str) -> None:
        causes = self.lesson.attack.causes
        self._require(causes, "there is no fault to name in this lesson")
        self._require(self._last("name") is None, "the fault was named already")
        after = self.phase is LessonPhase.OBSERVE
        self._require(after, "a fault is named after you point at what shows it")
        self._require(name in causes, f"“{name}” is not one of its causes")

    async def _act(self, move: Move, phase: LessonPhase) -> None:
        """Make a move in the world of its phase."""
        world = await self._world(phase)
        for name in move.uses:
            self._require(name in world.loot, f"you do not hold ${name}")
        await move.perform(world)

    def _phase_of(self, move: Move) -> LessonPhase:
        """Return the phase that a move in a world belongs to, which may be the next one."""
        self._require(self.made, "a prediction comes first")
        attack = self.lesson.attack
        if self.phase is LessonPhase.RUN and move.verb == "login":
            return LessonPhase.RUN
        is_repairing = self.phase is LessonPhase.REPAIR
        goes_on = move.verb in self.lesson.repair.moves
        if goes_on and (is_repairing or self.verdict(LessonPhase.BREAK).passed):
            return LessonPhase.REPAIR
        self._require(move.verb in attack.moves, f"“{move.verb}” is no move of this phase")
        self._require(not is_repairing, "the attack is over")
        self._require(self.moves_left > 0, f"the attack takes at most {attack.most} moves")
        return LessonPhase.BREAK

    async def _world(self, phase: LessonPhase, switches: Collection[str] = ()) -> World:
        """Return the world of a phase; a new one has in it what leaks in this lesson."""
        if phase is LessonPhase.REPAIR and not self.lesson.offer:
            phase = LessonPhase.BREAK
        elif phase is LessonPhase.BREAK and self.lesson.draws:
            phase = LessonPhase.RUN
        if phase in self._worlds:
            return self._worlds[phase]
        self._end_world()
        lesson = self.lesson
        # The switch that ends a drawn fault is one of no server.
        mended = lesson.draws and frozenset(switches) in lesson.repair.sound
        world = World(
            replace(lesson.world, faults=()) if mended else lesson.world,
            seed=self.seed,
            seat=lesson.attack.seat,
            switches=switches,
            faults=self._broken if phase is LessonPhase.REPAIR else (),
            hides_causes=bool(lesson.draws),
        )
        await self._running.enter_async_context(world)
        if phase is not LessonPhase.RUN:
            await world.leak(lesson.attack.loot)
        return self._worlds.setdefault(phase, world)

    async def _defend(self, move: Move) -> None:
        """Make the same attack in a world with these switches, and then log in honestly."""
        repair = self.lesson.repair
        switches = move.switches
        self._require(self.has_begun(LessonPhase.RUN), "the run comes first")
        self._require(not self.has_begun(LessonPhase.REPAIR), "the switches were turned already")
        self._require(repair.offer, "there are no switches in this lesson")
        self._require(switches, "turn a switch on")
        self._require(set(switches) <= repair.offer.keys(), "there is no such switch in this lesson")
        within = len(set(switches)) == len(switches) <= repair.budget
        self._require(within, f"at most {repair.budget} of the switches can be turned")
        world = await self._world(LessonPhase.REPAIR, switches)
        attacked = {LessonPhase.BREAK, *([LessonPhase.RUN] if self.lesson.draws else [])}
        for step in self.made:
            # What an earlier move no longer yields cannot be used by a later one.
            is_attack = step.phase in attacked and step.move.kind.phase is None
            if is_attack and all(name in world.loot for name in step.move.uses):
                await step.move.perform(world)
        world.end_of_attack()
        self._honest = await world.honest_login_works()

    def _evidence(self, phase: LessonPhase) -> tuple[tuple[EvidenceRow, ...], dict[str, str]]:
        """Return what claims about a phase are judged by: its rows and the learner's credentials."""
        # A world that a refused move started is not there at the next start of the program.
        world = self.world_of(phase) if self.has_begun(phase) else None
        if world is None:
            return (), {}
        diagnosis = self._last("name")
        return world.rows, {**world.loot, "named": diagnosis["diagnosis"] if diagnosis else ""}

    def judge_claims(self, phase: LessonPhase, claims: Sequence[Claim]) -> tuple[ClaimVerdict, ...]:
        """Return the verdict on claims about what a phase sent."""
        return judge(claims, *self._evidence(phase))

    def verdict(self, phase: LessonPhase) -> PhaseVerdict:
        """Return the verdict on a phase so far."""
        begun = self.has_begun(phase)
        if phase.is_judged:
            claims = self.judge_claims(phase, self.lesson.claims_of(phase))
            honest = self._honest if phase is LessonPhase.REPAIR else None
            passed = begun and all(claim.holds for claim in claims) and honest is not False
            return PhaseVerdict(phase, passed, begun, claims=claims, honest=honest)
        if phase is LessonPhase.OBSERVE:
            return PhaseVerdict(phase, self._has_right_point(), begun)
        enough = phase is LessonPhase.PREDICT or self.right_answers >= self.lesson.right_to_pass
        return PhaseVerdict(phase, begun and enough, begun)

    @property
    def verdicts(self) -> tuple[PhaseVerdict, ...]:
        """The verdict on each phase so far."""
        return tuple(map(self.verdict, self.lesson.phases))

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    def _has_right_point(self) -> bool:
        observation = self.lesson.observation
        point = self._last("point")
        if point is None or point["part"] not in observation.parts:
            return False
        judged = self.judge_claims(LessonPhase.RUN, self.lesson.run.claims)
        right = next(
            (each.rows[0] for each in judged if each.claim.name == observation.row and each.rows), None
        )
        rows = [row for row in self.rows_of(LessonPhase.RUN) if row.has(point["arrow"], point["part"])]
        if right is None or right.source is not Source.RECORD:
            return any(row == right for row in rows)
        return any(row.values["stage"] == right.values["stage"] for row in rows)

    @property
    def predicted(self) -> str:
        """The option that was predicted; empty before."""
        move = self._last("predict")
        return "" if move is None else move["option"]

    @property
    def held(self) -> tuple[str, ...]:
        """The options of the prediction that the moves confirm."""
        return self._confirmed_options(self.lesson.prediction.judged_on, self.lesson.prediction.options)

    def _confirmed_options(
        self, phase: LessonPhase, options: Mapping[str, Sequence[Claim]]
    ) -> tuple[str, ...]:
        return tuple(confirmed(options, *self._evidence(phase))) if self.has_begun(phase) else ()

    def right_options(self, question: Question) -> Collection[str]:
        """Return the right option; if the options are claims, the run decides, and there may be none yet."""
        return (
            (question.right,)
            if question.right
            else self._confirmed_options(LessonPhase.RUN, question.options)
        )

    @property
    def missed(self) -> tuple[str, ...]:
        """The questions that were answered wrong."""
        questions = {one.name: one for one in self.lesson.questions}
        answers = self.answers.items()
        return tuple(name for name, option in answers if option not in self.right_options(questions[name]))

    @property
    def right_answers(self) -> int:
        return len(self.answers) - len(self.missed)

    def trace(self) -> Trace:
        """Return everything that the moves sent, with secrets: mask it before it leaves the process."""
        worlds = self._worlds.values()
        url = next((world.emulator.resource_url for world in worlds), "")
        return trace_of([record for world in worlds for record in world.records], url)

    def save(self, name: str) -> Path:
        """Write the trace to a new file that a user named, and return its path; see `write_export`."""
        return write_export(typed_path(name), session_json(self.trace()))
