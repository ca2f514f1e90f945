"""Questions cannot be guessed, and what shows an answer shows just that."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from authlens_core.emulator.ledger import Reason, What
from authlens_core.learning.answers_file import answers_from
from authlens_core.learning.attempt import LONGEST, LessonAttempt, attempt_of
from authlens_core.learning.catalogue import FOLDER, lessons, read_catalogue
from authlens_core.learning.desk.lesson_check import lessons_at
from authlens_core.learning.desk.open_lesson import OpenLesson
from authlens_core.learning.lesson import CourseLesson, LessonPhase
from authlens_core.learning.moves import DefendMove, PredictMove
from authlens_core.learning.progress.progress_file import ProgressFile

COURSE: Final = lessons()
REFUSES: Final = re.compile(r"refus|keeps? .* from|protect", re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name in COURSE if name != "find-the-fault"])
def test_a_question_about_a_refusal_is_shown_by_one(name: str) -> None:
    lesson = COURSE[name]
    for question in lesson.questions:
        texts, about = lesson.words.texts, f"questions/{question.name}"
        asked = f"{texts[about]} {texts[f'{about}/{question.right}']}"
        if question.shown_by and REFUSES.search(asked):
            assert question.refusal, (question.name, asked)


def copy_of(name: str, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """Copy a lesson with other logic and words."""
    folder = shutil.copytree(next(FOLDER.glob(f"*-{name}")), tmp_path / name)
    for file in ("lesson.toml", "lesson.md"):
        text = (folder / file).read_text("utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        (folder / file).write_text(text, "utf-8")
    return folder


def test_check_refuses_a_value_where_a_refusal_has_to_be_shown(tmp_path: Path) -> None:
    """The row that sends the value exists, and shows no refusal."""
    value = 'about = "run"\nrefusal = true\nshown_by = "exchange where purpose = token"\n'
    old = re.escape(
        'shown_by = "event where what = code_refused and seat = mallory and reason = wrong_verifier"'
    )
    folder = copy_of("stolen-code", tmp_path)
    file = folder / "lesson.toml"
    file.write_text(re.sub(rf"refusal = true\n{old}\n", value, file.read_text("utf-8")), "utf-8")
    (authored,), refusals = lessons_at(folder)
    assert refusals == ()
    (problem,) = asyncio.run(authored.check()).problems
    assert problem.startswith("The answer says that something is refused")
    assert problem.endswith(": q1.")


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (("", ""), None),
        (
            ("#### a\n", "#### a\nIt is much longer than any of the others, as a right answer often is: "),
            "longest",
        ),
        (None, "The right option of every question is a."),
    ],
    ids=["as it is", "longest", "always a"],
)
def test_check_warns_of_options_that_can_be_guessed(
    change: tuple[str, str] | None, warning: str | None, tmp_path: Path
) -> None:
    folder = copy_of("stolen-code", tmp_path, *([change] if change else []))
    file = folder / "lesson.toml"
    if warning:  # the right one is a
        text = re.sub(r'(?m)^right = "[bc]"$', 'right = "a"', file.read_text("utf-8"))
        text = re.sub(r"(?m)^cures = .*\n", "", text)
        file.write_text(text, "utf-8")
    (authored,), _ = lessons_at(folder)
    warnings = authored.warnings
    assert any(warning in one for one in warnings) if warning else warnings == ()


@pytest.mark.parametrize("name", COURSE)
def test_no_lesson_of_the_program_can_be_guessed(name: str) -> None:
    (authored,), _ = lessons_at(next(path for path in FOLDER.iterdir() if path.name.endswith(name)))
    assert authored.warnings == ()


def test_the_right_prediction_is_not_always_the_first() -> None:
    rights = {
        next(move.option for move in answers_from(file).read() if isinstance(move, PredictMove))
        for file in FOLDER.glob("*/solution.json")
    }
    assert rights >= {"a", "b"}


def letters(lesson: CourseLesson) -> dict[str, str]:
    """Return the words of the right option of each question, by its name."""
    return {one.name: lesson.words.texts[f"questions/{one.name}/{one.right}"] for one in lesson.questions}


@pytest.mark.parametrize("name", COURSE)
def test_an_attempt_draws_letters_and_the_right_option_stays_the_same(name: str) -> None:
    lesson = COURSE[name].for_seed(3)
    first, second = lesson.in_order(3, 1), lesson.in_order(3, 2)
    assert lesson.in_order(3, 0) == lesson
    assert first == lesson.in_order(3, 1)
    assert [one.name for one in first.questions] == [one.name for one in lesson.questions]
    assert sorted(one.name for one in second.questions) == sorted(one.name for one in lesson.questions)
    assert first.questions != second.questions
    assert first.prediction == second.prediction
    if not lesson.draws:
        assert letters(first) == letters(lesson)
        assert letters(second) == letters(lesson)
    shown = {tuple(lesson.in_order(seed, 1).words.options("predict", "ab").values()) for seed in range(20)}
    assert len(shown) > 1


def test_a_lesson_that_goes_on_has_the_same_letters_and_a_second_try_has_others() -> None:
    lesson, file = COURSE["read-a-refusal"], ProgressFile(None)

    async def asked(*, again: bool = False) -> tuple[int, list[str]]:
        async with OpenLesson(lesson, file) as opened:
            if not opened.resumed:
                await opened.make(PredictMove("a"))
            if again:
                await opened.start_over(LessonPhase.QUESTIONS)
            texts = opened.lesson.words.texts
            names = [question.name for question in opened.lesson.questions]
            return opened.attempt.order, [texts[f"questions/{name}/a"] for name in names]

    first, resumed, again = (asyncio.run(asked(again=again)) for again in (False, False, True))
    assert first == resumed
    assert (first[0], again[0]) == (1, 2)
    assert first[1] != again[1]


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    folder = copy_of("stolen-code", tmp_path)
    for file in folder.iterdir():
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    (authored,), _ = lessons_at(folder)
    assert authored.lesson.words == COURSE["stolen-code"].words
    assert answers_from(folder / "solution.json") == authored.solutions()[0]


def test_a_broken_lesson_does_not_block_the_others(tmp_path: Path) -> None:
    root = tmp_path / "lessons"
    for path in sorted(FOLDER.iterdir())[:3]:
        shutil.copytree(path, root / path.name)
    (root / "02-code-not-key" / "lesson.md").unlink()
    catalogue = read_catalogue(root)
    assert list(catalogue.lessons) == ["read-a-refusal", "stolen-code"]
    assert [str(refused) for refused in catalogue.refusals] == [
        "02-code-not-key/lesson.md:1:1: the file is missing"
    ]


def test_rotation_alone_refuses_the_second_and_leaves_the_first_in() -> None:
    """Lesson 7: the old token ends, the thief goes on, and no one is alarmed."""
    lesson = COURSE["used-twice"]
    answers = answers_from(next(FOLDER.glob("*-used-twice")) / "solution.json")
    moves = [
        DefendMove(on=("server.rotation",)) if isinstance(move, DefendMove) else move
        for move in answers.read()
    ]
    made = asyncio.run(attempt_of(lesson, moves))
    assert not made.passed
    assert (What.REFRESH_REFUSED, Reason.USED) in {(event.what, event.reason) for event in made.events}
    assert What.GRANT_ENDED not in {event.what for event in made.events}


async def test_before_the_repair_the_old_token_of_lesson_7_stays_good() -> None:
    answers = answers_from(next(FOLDER.glob("*-used-twice")) / "solution.json")
    async with LessonAttempt(COURSE["used-twice"]) as attempt:
        await attempt.make_all(answers.read()[:6], LONGEST)
        world = attempt.world_of(LessonPhase.BREAK)
        assert world is not None
        sent = [event.refresh for event in world.events if event.what is What.REFRESHED]
    assert len(sent) == 2
    assert len(set(sent)) == 1
