"""Progress: stored at each move, made again at the next start, and never lost."""

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.values.errors import LessonRefused
from authlens_lab.learning.catalogue import lessons
from authlens_lab.learning.desk.course import Course
from authlens_lab.learning.desk.open_lesson import OpenLesson
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import LessonPhase, Move, MoveRefused, move_in, moves_of
from authlens_lab.learning.progress import ProgressFile, moves_from
from support.lesson_letters import as_in_the_files
from support.made_checks import present

LESSON = lessons()["read-a-refusal"]
SOLUTION = moves_of(LESSON.solution.split("\n"))
A, B = move_in("predict a"), move_in("predict b")


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


def making(*moves: Move) -> Callable[[OpenLesson], Awaitable[object]]:
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
    verdict = before.as_json()
    after = play(ProgressFile(file.path), making())
    assert (after.resumed, after.attempt.phase) == (True, before.attempt.phase)
    assert after.as_json() == verdict


def test_a_lesson_is_passed_once_and_its_questions_count(file: ProgressFile) -> None:
    wrong = move_in("answer q1 b")
    play(file, making(*(wrong if m.verb == "answer" and m["question"] == "q1" else m for m in SOLUTION)))
    stored = file.of(LESSON.name)
    assert (stored.passed_version, stored.missed, stored.right) == (LESSON.version, ("q1",), 4)
    assert stored.passed == LESSON.phases


def test_a_newer_version_of_a_lesson_keeps_the_pass_and_starts_over(file: ProgressFile) -> None:
    play(file, making(*SOLUTION))
    after = play(file, making(B), replace(LESSON, version=LESSON.version + 1))
    stored = file.of(LESSON.name)
    assert (after.resumed, after.note != "", stored.passed_version) == (False, True, LESSON.version)
    assert (stored.version, stored.read()) == (LESSON.version + 1, (B,))


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
def test_starting_over_keeps_the_phases_before(
    phase: LessonPhase | None, kept: int, file: ProgressFile
) -> None:
    play(file, making(*SOLUTION[:6]))
    after = play(file, starting_over(phase))
    assert after.attempt.moves == SOLUTION[:kept] == file.of(LESSON.name).read()


def test_the_whole_course_starts_over_and_a_pass_stays(file: ProgressFile) -> None:
    play(file, making(*SOLUTION))
    course = Course(progress=file)
    assert asyncio.run(course.start_over())
    assert not asyncio.run(course.start_over())
    stored = file.of(LESSON.name)
    assert (stored.moves, stored.passed, stored.passed_version) == ((), (), LESSON.version)


def test_what_is_stored_is_what_run_reads(file: ProgressFile) -> None:
    """With the letters that this attempt had."""
    made = play(file, making(*SOLUTION))
    given = moves_from(present(file.path), LESSON.name)
    assert (given.read(), given.seed) == (SOLUTION, made.attempt.seed)
    assert asyncio.run(Course().run(LESSON.name, present(file.path).read_bytes())).attempt.passed


def test_two_processes_at_one_lesson_leave_one_whole_attempt(file: ProgressFile) -> None:
    async def both() -> None:
        async with OpenLesson(LESSON, file) as one, OpenLesson(LESSON, file) as other:
            await one.make(A)
            await other.make(B)
            await one.make(move_in("login"))

    asyncio.run(both())
    assert file.of(LESSON.name).read() == (A, move_in("login"))


def test_two_processes_at_two_lessons_do_not_lose_each_others_moves(file: ProgressFile) -> None:
    async def both() -> None:
        other = lessons()["code-not-key"]
        async with OpenLesson(LESSON, file) as one, OpenLesson(other, ProgressFile(file.path)) as two:
            await one.make(A)
            await two.make(B)
            await one.make(move_in("login"))

    asyncio.run(both())
    assert [one.read() for one in file.read().values()] == [(A, move_in("login")), (B,)]


def test_a_refused_move_is_not_stored(file: ProgressFile) -> None:
    with pytest.raises(MoveRefused, match="a prediction comes first"):
        play(file, making(move_in("login")))
    assert file.read() == {}


def test_a_wrong_spot_is_pointed_at_again(file: ProgressFile) -> None:
    wrong = move_in("point 1 status")
    play(file, making(*SOLUTION[:2], wrong, SOLUTION[2]))
    stored = file.of(LESSON.name)
    assert stored.read() == SOLUTION[:3]
    assert LessonPhase.OBSERVE in stored.passed
    with pytest.raises(MoveRefused, match="after the run"):
        play(file, making(wrong))


def test_a_second_look_shows_the_same_ports_and_secrets(file: ProgressFile) -> None:
    """A wrong part, and switches turned in vain, leave the servers of the earlier phases as they are."""

    async def look_twice(attempt: OpenLesson) -> None:
        await making(*SOLUTION[:2])(attempt)
        run = attempt.attempt.rows_of(LessonPhase.RUN)
        await making(move_in("point 1 status"), *SOLUTION[2:5])(attempt)
        attack = attempt.attempt.rows_of(LessonPhase.BREAK)
        await making(move_in("defend server.issuer"), SOLUTION[5])(attempt)
        assert attempt.attempt.rows_of(LessonPhase.RUN) == run
        assert attempt.attempt.rows_of(LessonPhase.BREAK) == attack

    play(file, look_twice)


def test_switches_turned_in_vain_are_replaced_and_others_that_do_not_exist_change_nothing(
    file: ProgressFile,
) -> None:
    play(file, making(*SOLUTION[:5], move_in("defend server.issuer")))
    with pytest.raises(MoveRefused, match="no such switch"):
        play(file, making(move_in("defend server.moon")))
    play(file, making(SOLUTION[5]))
    stored = file.of(LESSON.name)
    assert (stored.read(), LessonPhase.REPAIR in stored.passed) == (SOLUTION[:6], True)


def test_a_cause_named_in_vain_is_replaced(file: ProgressFile) -> None:
    async def named_twice(attempt: OpenLesson) -> None:
        for move in moves_of(attempt.lesson.solution.split("\n")):
            if move.verb == "name":
                await attempt.make(move_in("name user_denied"))
                assert not attempt.attempt.verdict(LessonPhase.BREAK).passed
            await attempt.make(move)

    attempt = play(file, named_twice, lessons()["find-the-fault"])
    assert attempt.attempt.passed


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
    assert LessonPhase.BREAK in file.of(LESSON.name).passed


def test_a_part_that_is_not_there_is_refused_so_that_no_pasted_secret_is_stored(file: ProgressFile) -> None:
    with pytest.raises(MoveRefused, match="no such part"):
        play(file, making(*SOLUTION[:2], move_in("point 1 eyJ-canary")))
    assert b"canary" not in present(file.path).read_bytes()


def test_each_hint_that_is_asked_for_is_stored(file: ProgressFile) -> None:
    async def ask(attempt: OpenLesson) -> None:
        assert [attempt.next_hint(LessonPhase.BREAK) for _ in range(4)] == [1, 2, 3, 3]

    play(file, ask)
    assert file.of(LESSON.name).hints == {LessonPhase.BREAK: 3}


def test_the_file_is_private_and_a_lesson_of_your_own_has_its_own_place(file: ProgressFile) -> None:
    play(file, making(A), replace(LESSON, built_in=False))
    assert stat.S_IMODE(present(file.path).stat().st_mode) == 0o600
    assert list(file.read()) == ["own/read-a-refusal"]


def test_without_a_state_directory_the_progress_is_in_memory(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no directory")
    file = ProgressFile.open(tmp_path / "state")
    play(file, making(A))
    assert (file.problem != "", file.of(LESSON.name).read()) == (True, (A,))


def lesson_line(**members: object) -> str:
    return '{"format": 1, "lesson": "y"}\n' + json.dumps({"format": 1, "lesson": "x", **members})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format": 1, "lesson"', "learn.jsonl:1:1: the end is missing"),
        ('{"format": 1, "lesson": oops}', "learn.jsonl:1:25: no JSON"),
        ('{"format": 2, "lesson": "x"}', "learn.jsonl:1:2: format 2"),
        ('{"lesson": "x"}', "learn.jsonl:1:1: “format” is missing"),
        ('{"format": 1, "lesson": "x", "lesson": "y"}', "duplicate key"),
        ('{"format": 1, "lesson": "x", "name": "Ada"}', "learn.jsonl:1:30: “name” means nothing here"),
        ('{"format": 1, "lesson": "x"}\n' * 2, "learn.jsonl:2:1: the lesson “x” is there twice"),
        (lesson_line(token="t"), "learn.jsonl:2:30: “token” means nothing here"),
        (lesson_line(hints={"bake": 1}), "learn.jsonl:2:30: “bake” is no value of “hints”"),
        (lesson_line(right="ten"), "learn.jsonl:2:30: “right”: Expected `int`, got `str`"),
        (lesson_line(moves=["login", "dance"]), "learn.jsonl:2:1: Move 2: There is no move “dance”"),
        (lesson_line(moves=["call token=eyJ"]), "Move 1: call: “token”: a credential is named"),
        (lesson_line(moves=["revoke"] * 65), "learn.jsonl:2:30: “moves”: Expected `array` of length <= 64"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_with_its_place_and_left_as_it_is(
    text: str, said: str, file: ProgressFile
) -> None:
    present(file.path).write_text(text)
    with pytest.raises(LessonRefused) as refused:
        file.change("x", lambda known: known)
    assert said in refused.value.cause
    assert present(file.path).read_text() == text
