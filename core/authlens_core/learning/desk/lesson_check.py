"""Whether a lesson can be trusted: its solution passes, and everything less than it does not.

The lesson's own logic is tried against itself. What is missing in its files is refused when they are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.emulator import Profile
from authlens_core.learning.answers_file import AnswersFile, answers_from, read_answers
from authlens_core.learning.attempt import attempt_of
from authlens_core.learning.catalogue import FILE, Catalogue, read_catalogue, read_lesson
from authlens_core.learning.lesson import CourseLesson, LessonPhase, Question
from authlens_core.learning.lesson_folder import LessonFolder, read_folder
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    DefendMove,
    LoginMove,
    NameMove,
    PointMove,
    PredictMove,
)
from authlens_core.learning.verdict import AttemptOutcome
from authlens_core.values.errors import LessonRefused

_AT_ONCE: Final = 4  # attempts: most of one is a wait for servers to start and to stop
_NO_HONEST_LOGIN: Final = {Profile.ACCESS: "iss-mismatch"}
"""A fault of the server at which authlens stops, whatever a repair does; `iss-missing` elsewhere."""


class LessonMutation(Struct, frozen=True):
    """Moves that are not the solution.

    Attributes:
        what: what was done to it, in a few words.
        passes: whether the lesson has to let it pass.
        broken: faults of the repaired world.
    """

    what: str
    moves: tuple[AnyMove, ...]
    passes: bool = False
    broken: tuple[str, ...] = ()


class LessonCheck(Struct, frozen=True):
    """The result of a check.

    Attributes:
        outcome: what the solution came to.
        tried: how many mutations of it were run.
        problems: why the lesson cannot be trusted, one sentence each; none if it can.
        warnings: what helps a learner to guess, one sentence each.
    """

    lesson: CourseLesson
    outcome: AttemptOutcome
    tried: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """That of `learn check`."""
        return LessonRefused.exit_code if self.problems else 0


class AuthoredLesson(Struct, frozen=True):
    """A lesson, and the folder with its author's solution."""

    lesson: CourseLesson
    folder: LessonFolder

    def solutions(self) -> tuple[AnswersFile, ...]:
        """Return the author's moves: one list, or one for each fault of a lesson that draws one.

        Raises:
            LessonRefused: there are none for a fault, or they are for another lesson.
        """
        self.folder.text("solution.json")
        each = [name for name in self.folder.texts if name.startswith("solution") and name.endswith(".json")]
        found = tuple(
            read_answers(
                self.folder.texts[name].encode(), name=self.folder.place(name), lesson=self.lesson.name
            )
            for name in (each if self.lesson.draws else ("solution.json",))
        )
        draws = self.lesson.draws
        missing = set(range(len(draws))) - {answers.seed % len(draws) for answers in found if draws}
        if missing:
            fault = draws[min(missing)].fault
            place = self.folder.place("solution.json")
            raise LessonRefused(f"{place}:1:1: no solution has a seed that draws “{fault}”")
        return found

    @property
    def warnings(self) -> tuple[str, ...]:
        """What helps a learner to guess an answer without reading the question, one sentence each."""
        return tuple(_warnings(self.lesson))

    async def check(self, solution: str | bytes | None = None) -> LessonCheck:
        """Run the solutions of the lesson, and all of their mutations; see `_checked`.

        Args:
            solution: a file of moves, or what was on standard input, instead of the author's.
        """
        given = None if solution is None else (answers_from(solution, lesson=self.lesson.name),)
        results = [
            await _checked(self.lesson.for_seed(answers.seed), answers.read(), seed=answers.seed)
            for answers in given or self.solutions()
        ]
        problems = [
            problem if len(results) == 1 else f"Seed {result.outcome.seed}: {problem}"
            for result in results
            for problem in result.problems
        ]
        tried = sum(result.tried for result in results)
        return LessonCheck(self.lesson, results[0].outcome, tried, tuple(problems), self.warnings)


def lessons_at(path: Path) -> tuple[tuple[AuthoredLesson, ...], tuple[LessonRefused, ...]]:
    """Return the lesson of a folder, or those of the folders in it, and why the others cannot be used.

    Raises:
        LessonRefused: the folder, or its only lesson, cannot be used.
    """
    if (path / FILE).exists():
        folder = read_folder(path)
        catalogue = Catalogue(((folder, read_lesson(folder, built_in=False)),))
    else:
        catalogue = read_catalogue(path)
    authored = tuple(AuthoredLesson(lesson, folder) for folder, lesson in catalogue.entries)
    return authored, catalogue.refusals


def _warnings(lesson: CourseLesson) -> Iterator[str]:
    asked = [question for question in lesson.questions if question.right]
    letters = {question.right for question in asked}
    if len(asked) > 1 and len(letters) == 1:
        yield f"The right option of every question is {letters.pop()}."
    longest = [question.name for question in asked if _is_longest(lesson, question)]
    if len(longest) > len(asked) / 2:
        yield f"The right option is the longest in {', '.join(longest)}: more than half of the questions."


def _is_longest(lesson: CourseLesson, question: Question) -> bool:
    """Return whether the right option has more characters than each of the others."""
    options = lesson.words.options(f"questions/{question.name}")
    right = options.pop(question.right)
    return len(right) > max(map(len, options.values()))


def mutations(lesson: CourseLesson, solution: Sequence[AnyMove]) -> Iterator[LessonMutation]:
    """Yield the mutations of a solution."""
    moves = tuple(solution)
    yield LessonMutation("no moves", ())
    for number, move in enumerate(moves, 1):
        # One wrong answer is allowed.
        if not isinstance(move, AnswerMove):
            without = moves[: number - 1] + moves[number:]
            yield LessonMutation(f"without move {number}, {move.verb}", without)
        for what, other in _beside(lesson, move):
            yield LessonMutation(what, (*moves[: number - 1], other, *moves[number:]))
    told = (PredictMove, LoginMove, PointMove, AnswerMove)
    yield LessonMutation("the run and the answers alone", tuple(m for m in moves if isinstance(m, told)))
    yield LessonMutation("without two answers", _without_answers(moves))
    if not lesson.repair.offer:
        return
    for size in range(1, lesson.repair.budget + 1):
        for switches in combinations(lesson.repair.offer, size):
            passes = any(sound <= set(switches) for sound in lesson.repair.sound)
            turned = tuple(
                DefendMove(on=switches) if isinstance(move, DefendMove) else move for move in moves
            )
            named = f"with {' and '.join(switches)}"
            yield LessonMutation(
                named if passes else f"{named}, which it does not call sound", turned, passes
            )
    broken = (_NO_HONEST_LOGIN.get(lesson.world.profile, "iss-missing"),)
    yield LessonMutation("where no honest login works", moves, broken=broken)


def _beside(lesson: CourseLesson, move: AnyMove) -> Iterator[tuple[str, AnyMove]]:
    """Yield guesses: the status instead of what decides, and a cause that was not looked for."""
    match move:
        case PointMove() if lesson.draws and "status" not in lesson.observation.parts:
            yield "with the status alone", PointMove(move.arrow, "status")
        case NameMove():
            other = next(cause for cause in lesson.attack.causes if cause != move.diagnosis)
            yield f"with the cause {other}", NameMove(other)


def _without_answers(moves: tuple[AnyMove, ...]) -> tuple[AnyMove, ...]:
    answers = [move for move in moves if isinstance(move, AnswerMove)]
    return tuple(move for move in moves if move not in answers[:2])


async def _checked(lesson: CourseLesson, solution: Sequence[AnyMove], *, seed: int) -> LessonCheck:
    """Run one solution of a lesson and its mutations.

    Raises:
        MoveRefused: a move of the solution itself cannot be made.
        TimedOut: the solution took longer than 20 seconds, or a mutation beside others longer than 80.
    """
    outcome = await attempt_of(lesson, solution, seed=seed)
    problems = list(_of_the_solution(outcome))
    tried = tuple(mutations(lesson, solution))
    room = asyncio.Semaphore(_AT_ONCE)

    async def passes(mutation: LessonMutation) -> bool:
        async with room:
            try:
                made = await attempt_of(
                    lesson, mutation.moves, seed=seed, broken=mutation.broken, at_once=_AT_ONCE
                )
            except LessonRefused:
                return False
            return made.passed

    results = await asyncio.gather(*(passes(mutation) for mutation in tried))
    for mutation, result in zip(tried, results, strict=True):
        if result and not mutation.passes:
            problems.append(f"The lesson passes {mutation.what}.")
        elif mutation.passes and not result and outcome.passed:
            problems.append(f"The lesson does not pass {mutation.what}, which it calls sound.")
    return LessonCheck(lesson, outcome, len(tried), tuple(problems))


def _of_the_solution(outcome: AttemptOutcome) -> Iterator[str]:
    failed = [verdict for verdict in outcome.phases if not verdict.passed]
    for verdict in failed:
        line = next((f", line {claim.claim.line}" for claim in verdict.claims if not claim.holds), "")
        yield f"The solution does not pass: {verdict.phase.value}{line}."
    if not failed and len(outcome.held) != 1:
        phase = outcome.lesson.prediction.judged_on
        when = "run" if phase is LessonPhase.RUN else "attack"
        held = ", ".join(outcome.held) or "none"
        yield f"Exactly one option of the prediction has to hold after the {when}; these do: {held}."
    if not failed and outcome.unshown:
        yield f"The solution does not show the answers to: {', '.join(outcome.unshown)}."
    if not failed and outcome.unrefused:
        named = ", ".join(outcome.unrefused)
        yield f"The answer says that something is refused, and the row that shows it is no refusal: {named}."
