"""An exam: a ticket draws each lesson, and takes the help away."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace

from authlens_core.learning.catalogue import lessons
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    CallMove,
    DefendMove,
    LoginMove,
    MoveRefused,
    PointMove,
    PredictMove,
    RedeemMove,
)
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.learning.tickets import issue
from authlens_core.values.errors import LessonRefused

COURSE = lessons()
TICKETS = [issue(b"k" * 32, "exam", f"Student {number}") for number in range(12)]


def meant(lesson: CourseLesson) -> set[object]:
    """Return what each option of a lesson is, whatever its letter."""
    questions = {
        (question.name, lesson.words.texts[f"questions/{question.name}/{letter}"], letter == question.right,
         question.cures.get(letter), question.claims.get(letter))
        for question in lesson.questions
        for letter in ("a", "b", "c")
    }  # fmt: skip
    options = {
        (lesson.words.texts[f"predict/{one}"], claims) for one, claims in lesson.prediction.claims.items()
    }
    return {*questions, *options, *lesson.repair.offer}


@pytest.mark.parametrize("name", COURSE)
def test_a_ticket_changes_letters_and_orders_and_nothing_that_is_meant(name: str) -> None:
    lesson = COURSE[name]
    for ticket in TICKETS:
        shown = lesson.for_ticket(ticket)
        assert meant(shown) == meant(lesson)
        assert shown == lesson.for_ticket(ticket)
        world = replace(lesson.world, mark=ticket.mark)
        assert (shown.digest, shown.ticket, shown.world) == (lesson.digest, ticket, world)


def test_students_get_different_letters() -> None:
    keys = set()
    for ticket in TICKETS:
        lesson = COURSE["stolen-code"].for_ticket(ticket)
        keys.add("".join(question.right for question in lesson.questions) + "".join(lesson.repair.offer))
    assert len(keys) == len(TICKETS)
    assert len({COURSE["find-the-fault"].for_seed(one.seed).world.faults for one in TICKETS}) >= 6


async def test_an_exam_gives_one_attempt_and_goes_on_when_that_is_lost() -> None:
    lesson = COURSE["stolen-code"].for_ticket(TICKETS[0])
    mark, offer = TICKETS[0].mark, lesson.repair.offer
    async with OpenLesson(lesson, ProgressFile(None)) as recorded:

        async def refuse(move: AnyMove, why: str = "in an exam you have one attempt, and it stays") -> None:
            with pytest.raises(MoveRefused, match=why):
                await recorded.make(move)

        await recorded.make(PredictMove(option="a"))
        await refuse(PredictMove(option="a"), "the prediction was made already")
        await recorded.make(LoginMove())
        await recorded.make(PointMove(arrow=1, part="status"))
        await refuse(PointMove(arrow=6, part="form.code_verifier"))
        phases = [recorded.attempt.next_phase]
        await refuse(RedeemMove(), r"you do not hold \$code")
        await recorded.make(RedeemMove(code=f"$code{mark}"))
        await refuse(CallMove(), r"you do not hold \$token")
        await refuse(CallMove(token=f"$proof{mark}"), rf"you do not hold \$proof{mark}")
        await recorded.make(CallMove(token=f"$token{mark}"))
        phases.append(recorded.attempt.next_phase)
        await recorded.make(DefendMove(on=(next(name for name in offer if name != "victim.pkce"),)))
        await refuse(DefendMove(on=("victim.pkce",)))
        phases.append(recorded.attempt.next_phase)
        assert phases == [LessonPhase.BREAK, LessonPhase.REPAIR, LessonPhase.QUESTIONS]
        for again in (
            recorded.undo,
            recorded.start_over,
            partial(recorded.start_over, LessonPhase.QUESTIONS),
        ):
            with pytest.raises(MoveRefused, match="one attempt"):
                await again()
        assert set(recorded.progress.tries.values()) == {1}


async def test_an_exam_goes_on_in_one_window() -> None:
    """Otherwise the other one shows which answer is right."""
    lesson = COURSE["code-not-key"].for_ticket(TICKETS[0])
    file = ProgressFile(None)
    async with OpenLesson(lesson, file) as one:
        await one.make(PredictMove(option="a"))
        await one.make(LoginMove())
        async with OpenLesson(lesson, file) as other:
            await one.make(AnswerMove(question="q1", option="a"))
            with pytest.raises(MoveRefused, match="went on in another window"):
                await other.make(AnswerMove(question="q1", option="b"))
        async with OpenLesson(lesson, file) as again:
            await again.make(AnswerMove(question="q2", option="b"))
            assert again.progress.archived == ()


async def test_an_exam_has_no_hints_and_progress_of_its_own() -> None:
    lesson = COURSE["stolen-code"].for_ticket(TICKETS[0])
    async with OpenLesson(lesson, ProgressFile(None)) as recorded:
        assert (recorded.attempt.seed, recorded.progress.lesson) == (
            TICKETS[0].seed, f"exam/exam/{TICKETS[0].seed:08x}/stolen-code"
        )  # fmt: skip
        with pytest.raises(LessonRefused, match="There are no hints in an exam"):
            recorded.next_hint(LessonPhase.BREAK)
