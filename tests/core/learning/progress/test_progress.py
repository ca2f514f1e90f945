"""Progress: stored at each move, made again at the next start, and never lost."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.learning.answers_file import read_answers
from authlens_core.learning.catalogue import lessons, read_catalogue
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import (
    AnswerMove,
    AnyMove,
    DefendMove,
    LoginMove,
    MoveRefused,
    NameMove,
    PointMove,
    PredictMove,
)
from authlens_core.learning.progress.progress_file import ProgressFile
from authlens_core.values.errors import LessonRefused
from support.lesson_letters import as_in_the_files

LESSON = lessons()["read-a-refusal"]
SOLUTION = read_answers(
    read_catalogue().entries[0][0].texts["solution.json"].encode(), name="solution.json"
).read()
A, B = PredictMove("a"), PredictMove("b")


@pytest.fixture(autouse=True)
def _letters_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_the_files(monkeypatch)


def play(
    file: ProgressFile,
    work: Callable[[OpenLesson], Awaitable[object]],
    lesson: CourseLesson = LESSON,
    clock: Callable[[], float] = lambda: 0.0,
) -> OpenLesson:
    async def played() -> OpenLesson:
        async with OpenLesson(lesson, file, clock=clock) as attempt:
            await work(attempt)
            return attempt

    return asyncio.run(played())


def making(*moves: AnyMove) -> Callable[[OpenLesson], Awaitable[object]]:
    async def make(attempt: OpenLesson) -> None:
        for move in moves:
            await attempt.make(move)

    return make


def starting_over(phase: LessonPhase | None) -> Callable[[OpenLesson], Awaitable[object]]:
    return lambda attempt: attempt.start_over(phase)


@pytest.fixture
def file(tmp_path: Path) -> ProgressFile:
    return ProgressFile.open(tmp_path / "state")


def test_the_next_start_is_at_the_same_move_with_the_same_verdict(file: ProgressFile) -> None:
    before = play(file, making(*SOLUTION[:5]))
    verdict = before.attempt.outcome().as_json()
    after = play(ProgressFile(file.path), making())
    assert (after.resumed, after.attempt.phase) == (True, before.attempt.phase)
    assert after.attempt.outcome().as_json() == verdict


def test_a_lesson_is_passed_once_and_its_questions_count(file: ProgressFile) -> None:
    wrong = AnswerMove("q1", "b")
    play(file, making(*(wrong if isinstance(m, AnswerMove) and m.question == "q1" else m for m in SOLUTION)))
    stored = file.of(LESSON.name)
    assert (stored.passed_version, stored.missed, stored.first_prediction) == (LESSON.version, ("q1",), "a")
    assert stored.attempt is not None
    assert (stored.attempt.phase, stored.attempt.right) == (None, 4)


def test_a_newer_version_of_a_lesson_keeps_the_pass_and_archives_the_moves(file: ProgressFile) -> None:
    play(file, making(*SOLUTION))
    after = play(file, making(B), replace(LESSON, version=LESSON.version + 1))
    stored = file.of(LESSON.name)
    assert (after.resumed, after.note != "", stored.passed_version) == (False, True, LESSON.version)
    assert [one.moves for one in stored.archived] == [SOLUTION]
    assert (stored.attempt and stored.attempt.version, stored.first_prediction) == (LESSON.version + 1, "a")


@pytest.mark.parametrize(
    ("phase", "kept"),
    [
        (None, 0),
        (LessonPhase.PREDICT, 0),
        (LessonPhase.RUN, 1),
        (LessonPhase.OBSERVE, 2),
        (LessonPhase.BREAK, 3),
        (LessonPhase.REPAIR, 5),
    ],
)
def test_starting_over_keeps_the_phases_before_and_archives_the_attempt(
    phase: LessonPhase | None, kept: int, file: ProgressFile
) -> None:
    play(file, making(*SOLUTION[:6]))
    after = play(file, starting_over(phase))
    stored = file.of(LESSON.name)
    assert after.attempt.moves == SOLUTION[:kept] == (stored.attempt and stored.attempt.moves)
    assert [one.moves for one in stored.archived] == [SOLUTION[:6]]


def test_the_whole_course_starts_over_and_no_attempt_is_lost(file: ProgressFile) -> None:
    play(file, making(A))
    assert file.start_over() == 1
    play(file, making(B))
    stored = file.of(LESSON.name)
    assert [one.moves for one in stored.archived] == [(A,)]
    assert (stored.attempt and stored.attempt.moves, stored.tries) == ((B,), {LessonPhase.PREDICT: 2})


def test_two_processes_do_not_lose_each_others_moves(file: ProgressFile) -> None:
    async def both() -> None:
        async with OpenLesson(LESSON, file) as one, OpenLesson(LESSON, file) as other:
            await one.make(A)
            await other.make(B)
            await one.make(LoginMove())

    asyncio.run(both())
    stored = file.of(LESSON.name)
    assert stored.attempt is not None
    assert {stored.attempt.moves, *(one.moves for one in stored.archived)} >= {(A, LoginMove()), (B,)}


def test_a_refused_move_is_not_stored(file: ProgressFile) -> None:
    with pytest.raises(MoveRefused, match="a prediction comes first"):
        play(file, making(LoginMove()))
    assert file.read() == {}


def test_a_wrong_spot_is_a_try_and_is_pointed_at_again(file: ProgressFile) -> None:
    wrong = PointMove(1, "status")
    play(file, making(*SOLUTION[:2], wrong, SOLUTION[2]))
    stored = file.of(LESSON.name)
    assert stored.tries[LessonPhase.OBSERVE] == 2
    assert [one.moves[-1] for one in stored.archived] == [wrong]
    assert stored.attempt is not None
    assert LessonPhase.OBSERVE in stored.attempt.passed
    with pytest.raises(MoveRefused, match="after the run"):
        play(file, making(wrong))


def test_switches_turned_in_vain_are_replaced_and_others_that_do_not_exist_change_nothing(
    file: ProgressFile,
) -> None:
    play(file, making(*SOLUTION[:5], DefendMove(("server.issuer",))))
    with pytest.raises(MoveRefused, match="no such switch"):
        play(file, making(DefendMove(("server.moon",))))
    play(file, making(SOLUTION[5]))
    stored = file.of(LESSON.name)
    assert stored.attempt is not None
    assert (stored.attempt.moves, LessonPhase.REPAIR in stored.attempt.passed) == (SOLUTION[:6], True)
    assert stored.tries[LessonPhase.REPAIR] == 2


def test_a_cause_named_in_vain_is_replaced(file: ProgressFile) -> None:
    course = {lesson.name: folder for folder, lesson in read_catalogue().entries}
    texts = course["find-the-fault"].texts
    solutions = [
        read_answers(text.encode(), name=name) for name, text in texts.items() if name.startswith("solution")
    ]

    async def named_twice(attempt: OpenLesson) -> None:
        seed = attempt.attempt.seed
        given = next(one for one in solutions if one.seed % len(solutions) == seed % len(solutions))
        for move in given.read():
            if isinstance(move, NameMove):
                await attempt.make(NameMove("user_denied"))
                assert not attempt.attempt.verdict(LessonPhase.BREAK).passed
            await attempt.make(move)

    attempt = play(file, named_twice, lessons()["find-the-fault"])
    assert attempt.attempt.outcome().passed
    assert attempt.progress.tries[LessonPhase.BREAK] == 2


def test_after_a_pause_a_move_is_made_in_a_world_whose_tokens_have_not_expired(file: ProgressFile) -> None:
    now = [0.0]
    worlds: list[object] = []

    async def pause(attempt: OpenLesson) -> None:
        await making(*SOLUTION[:4])(attempt)
        worlds.append(attempt.attempt.world_of(attempt.attempt.phase))
        now[0] = 600.0
        await attempt.make(SOLUTION[4])
        worlds.append(attempt.attempt.world_of(attempt.attempt.phase))

    play(file, pause, clock=lambda: now[0])
    assert worlds[0] is not worlds[1]
    stored = file.of(LESSON.name).attempt
    assert stored is not None
    assert LessonPhase.BREAK in stored.passed


def test_a_part_that_is_not_there_is_refused_so_that_no_pasted_secret_is_stored(file: ProgressFile) -> None:
    with pytest.raises(MoveRefused, match="no such part"):
        play(file, making(*SOLUTION[:2], PointMove(1, "eyJ-canary")))
    assert file.path is not None
    assert b"canary" not in file.path.read_bytes()


def test_time_counts_without_long_pauses(file: ProgressFile) -> None:
    now = [0.0]

    async def slowly(attempt: OpenLesson) -> None:
        for move, now[0] in zip(SOLUTION, (40.5, 90.0, 4_000.0), strict=False):
            await attempt.make(move)

    play(file, slowly, clock=lambda: now[0])
    assert file.of(LESSON.name).seconds == 90 + 300


def test_each_hint_that_is_asked_for_is_stored(file: ProgressFile) -> None:
    async def ask(attempt: OpenLesson) -> None:
        assert [attempt.next_hint(LessonPhase.BREAK) for _ in range(4)] == [1, 2, 3, 3]

    play(file, ask)
    assert file.of(LESSON.name).hints == {LessonPhase.BREAK: 3}


def test_the_file_is_private_and_a_lesson_of_your_own_has_its_own_place(file: ProgressFile) -> None:
    play(file, making(A), replace(LESSON, built_in=False))
    assert file.path is not None
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert list(file.read()) == ["own/read-a-refusal"]


def test_without_a_state_directory_the_progress_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    file = ProgressFile.open(tmp_path / "state")
    play(file, making(A))
    assert (file.problem != "", file.of(LESSON.name).first_prediction) == (True, "a")


ATTEMPT = {"version": 1, "digest": "", "seed": 1}


def lesson_text(**members: object) -> str:
    return '{"format": 1,\n "lessons": [\n  ' + json.dumps({"lesson": "x", **members}) + "]}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "learn.json:1:1: the file is empty"),
        ('{"format": 1,\n "lessons": [', "learn.json:1:1: the file is empty, or its end is missing"),
        ('{"format": 1,\n "lessons": oops}', "learn.json:2:13: no JSON"),
        ('{"format": 2, "lessons": []}', "learn.json:1:2: format 2"),
        ('{"lessons": []}', "learn.json:1:1: “format” is missing"),
        ('{"format": 1, "format": 1}', "duplicate key"),
        ('{"format": 1, "name": "Ada"}', "learn.json:1:15: “name” means nothing here"),
        (
            '{"format": 1, "lessons": [{"lesson": "x"},\n{"lesson": "x"}]}',
            "learn.json:2:2: the lesson “x” is there twice",
        ),
        (lesson_text(token="t"), "learn.json:3:19: “token” means nothing here"),
        (lesson_text(tries={"bake": 1}), "learn.json:3:19: “bake” is no value of “lessons[0].tries”"),
        (lesson_text(seconds="ten"), "learn.json:3:19: “lessons[0].seconds”: Expected `int`, got `str`"),
        (
            lesson_text(attempt={**ATTEMPT, "moves": [{"do": "dance"}]}),
            "learn.json:3:81: there is no move “dance”",
        ),
        (
            lesson_text(attempt={**ATTEMPT, "moves": [{"do": "call", "token": "eyJ"}]}),
            "learn.json:3:95: “lessons[0].attempt.moves[0].token”: a credential is named",
        ),
        (
            lesson_text(archived=[{**ATTEMPT, "moves": [{"do": "revoke"}] * 65}]),
            "“lessons[0].archived[0].moves”: Expected `array` of length <= 64",
        ),
    ],
)
def test_a_file_that_is_not_ours_is_refused_with_its_place_and_left_as_it_is(
    text: str, said: str, file: ProgressFile
) -> None:
    assert file.path is not None
    file.path.write_text(text)
    with pytest.raises(LessonRefused) as refused:
        file.change("x", lambda known: known)
    assert said in refused.value.cause
    assert file.path.read_text() == text
