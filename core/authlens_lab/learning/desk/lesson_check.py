"""Whether a lesson can be trusted: its solution passes, and nothing less does.

The lesson's own logic is tried against itself. What is missing in its file is refused when it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from msgspec import Struct

from authlens_core.values.errors import LessonRefused
from authlens_lab.emulator import Profile
from authlens_lab.learning.attempt import LessonAttempt, attempt_of
from authlens_lab.learning.catalogue import Catalogue, new_lesson, read_catalogue
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import LessonPhase, Move, move_in, moves_of

__all__ = ["Catalogue", "LessonCheck", "check_lesson", "new_lesson", "read_catalogue"]

_AT_ONCE: Final = 4  # attempts: most of one is a wait for servers to start and to stop
_NO_HONEST_LOGIN: Final = {Profile.ACCESS: "iss-mismatch"}
"""A fault of the server at which authlens stops, whatever a repair does; `iss-missing` elsewhere."""


class LessonMutation(Struct, frozen=True):
    """A change to the solution.

    Attributes:
        what: what was done to it, in a few words.
        passes: whether the lesson has to let it pass.
        broken: faults of the repaired world.
    """

    what: str
    moves: tuple[Move, ...]
    passes: bool = False
    broken: tuple[str, ...] = ()


class LessonCheck(Struct, frozen=True):
    """The result of a check.

    Attributes:
        attempt: the result of the solution.
        tried: how many mutations of it were run.
        problems: why the lesson cannot be trusted, one sentence each; none if it can.
        warnings: what helps a learner to guess, one sentence each.
    """

    lesson: CourseLesson
    attempt: LessonAttempt
    tried: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


async def check_lesson(lesson: CourseLesson) -> LessonCheck:
    """Run the solution of a lesson, or one for each drawn fault, and all mutations; see `_check_seed`."""
    seeds = range(len(lesson.draws)) if lesson.draws else (1,)
    results = [await _check_seed(lesson.for_seed(seed), seed) for seed in seeds]
    problems = [
        problem if len(results) == 1 else f"Seed {result.attempt.seed}: {problem}"
        for result in results
        for problem in result.problems
    ]
    tried = sum(result.tried for result in results)
    attempt = results[0].attempt
    hints = tuple(warnings(lesson))
    return LessonCheck(lesson, attempt, tried, tuple(problems), warnings=hints)


def warnings(lesson: CourseLesson) -> Iterator[str]:
    """Yield what helps a learner to guess an answer without reading the question, one sentence each."""
    questions = [question for question in lesson.questions if question.right]
    lengths = [(one, {letter: len(text) for letter, text in one.words.items()}) for one in questions]
    longest = [one.name for one, long in lengths if long.pop(one.right) > max(long.values())]
    if len(longest) > len(questions) / 2:
        yield f"The right option is the longest in {', '.join(longest)}: more than half of the questions."


def mutations(lesson: CourseLesson, solution: Sequence[Move]) -> Iterator[LessonMutation]:
    """Yield the mutations of a solution."""
    moves = tuple(solution)
    yield LessonMutation("no moves", ())
    for number, move in enumerate(moves):
        before = moves[:number]
        after = moves[number + 1 :]
        # One wrong answer is allowed.
        if move.verb != "answer":
            yield LessonMutation(f"without move {number + 1}, {move.verb}", (*before, *after))
        for what, other in _guesses(lesson, move):
            yield LessonMutation(what, (*before, other, *after))
    if LessonPhase.BREAK in lesson.phases:
        honest = ("predict", "login", "point", "answer")
        yield LessonMutation(
            "the run and the answers alone", tuple(one for one in moves if one.verb in honest)
        )
    if answers := [move for move in moves if move.verb == "answer"]:
        yield LessonMutation("without two answers", tuple(one for one in moves if one not in answers[:2]))
    if not lesson.offer:
        return
    for size in range(1, lesson.repair.budget + 1):
        for switches in combinations(lesson.offer, size):
            passes = any(sound <= set(switches) for sound in lesson.repair.sound)
            turned = move_in(f"defend {' '.join(switches)}")
            description = f"with {' and '.join(switches)}"
            yield LessonMutation(
                description if passes else f"{description}, which it does not call sound",
                tuple(turned if move.verb == "defend" else move for move in moves),
                passes,
            )
    broken = (_NO_HONEST_LOGIN.get(lesson.world.profile, "iss-missing"),)
    yield LessonMutation("where no honest login works", moves, broken=broken)


def _guesses(lesson: CourseLesson, move: Move) -> Iterator[tuple[str, Move]]:
    """Yield guesses: the status instead of the deciding part, and another cause."""
    if move.verb == "point" and lesson.draws and "status" not in lesson.observation.parts:
        yield "with the status alone", move_in(f"point {move['arrow']} status")
    if move.verb == "name":
        other = next(cause for cause in lesson.attack.causes if cause != move["diagnosis"])
        yield f"with the cause {other}", move_in(f"name {other}")


async def _check_seed(lesson: CourseLesson, seed: int) -> LessonCheck:
    """Run the solution of a lesson and its mutations.

    Raises:
        MoveRefused: a move of the solution itself cannot be made.
        TimedOut: the solution took longer than 20 seconds, or a mutation beside others longer than 80.
    """
    solution = moves_of(lesson.solution.split("\n"))
    attempt = await attempt_of(lesson, solution, seed=seed)
    problems = list(_solution_problems(attempt))
    tried = tuple(mutations(lesson, solution))
    room = asyncio.Semaphore(_AT_ONCE)

    async def passes(mutation: LessonMutation) -> bool:
        async with room:
            try:
                attempt = await attempt_of(
                    lesson, mutation.moves, seed=seed, broken=mutation.broken, at_once=_AT_ONCE
                )
            except LessonRefused:
                return False
            return attempt.passed

    results = await asyncio.gather(*(passes(mutation) for mutation in tried))
    for mutation, result in zip(tried, results, strict=True):
        if result and not mutation.passes:
            problems.append(f"The lesson passes {mutation.what}.")
        elif mutation.passes and not result and attempt.passed:
            problems.append(f"The lesson does not pass {mutation.what}, which it calls sound.")
    return LessonCheck(lesson, attempt, len(tried), tuple(problems))


def _solution_problems(attempt: LessonAttempt) -> Iterator[str]:
    failed = [verdict for verdict in attempt.verdicts if not verdict.passed]
    for verdict in failed:
        line = next((f", line {claim.claim.line}" for claim in verdict.claims if not claim.holds), "")
        yield f"The solution does not pass: {verdict.phase.value}{line}."
    if failed:
        return
    if len(attempt.held) != 1:
        when = "run" if attempt.lesson.prediction.judged_on is LessonPhase.RUN else "attack"
        held = ", ".join(attempt.held) or "none"
        yield f"Exactly one option of the prediction has to hold after the {when}; these do: {held}."
    evidence = {one: attempt.judge_claims(one.about, one.shown_by) for one in attempt.lesson.questions}
    unshown = [one.name for one, verdicts in evidence.items() if not all(claim.holds for claim in verdicts)]
    if unshown:
        yield f"The solution does not show the answers to: {', '.join(unshown)}."
    unrefused = [
        one.name
        for one, verdicts in evidence.items()
        if one.refusal and not any(row.is_refusal for claim in verdicts[-1:] for row in claim.rows[:1])
    ]
    if unrefused:
        names = ", ".join(unrefused)
        yield f"The answer says that something is refused, and the row that shows it is no refusal: {names}."
