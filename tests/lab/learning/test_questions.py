"""Questions cannot be guessed, and what shows an answer shows just that."""

import asyncio
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final, get_args

import pytest
from msgspec.structs import replace

from authlens_core.values.errors import LessonRefused
from authlens_lab.emulator import Profile
from authlens_lab.emulator.ledger import Reason, What
from authlens_lab.emulator.parties.victim import SWITCHES as VICTIM_SWITCHES
from authlens_lab.emulator.weakness import SWITCHES, Weakness
from authlens_lab.learning.attempt import LONGEST, LessonAttempt, attempt_of
from authlens_lab.learning.catalogue import FOLDER, drills, lessons, new_lesson, read_catalogue
from authlens_lab.learning.claim import LOOT
from authlens_lab.learning.desk.lesson_check import check_lesson, warnings
from authlens_lab.learning.desk.open_lesson import OpenLesson
from authlens_lab.learning.lesson import CourseLesson
from authlens_lab.learning.moves import LessonPhase, move_in, moves_of
from authlens_lab.learning.progress import ProgressFile
from authlens_lab.learning.row import PREFIXES, WORDS, Source
from authlens_lab.learning.world import PartyName
from support.made_checks import present

COURSE: Final = lessons()
REFUSES: Final = re.compile(r"refus|keeps? .* from|protect", re.IGNORECASE)


@pytest.mark.parametrize("name", [name for name in COURSE if name != "find-the-fault"])
def test_a_question_about_a_refusal_is_shown_by_one(name: str) -> None:
    lesson = COURSE[name]
    for question in lesson.questions:
        asked = f"{question.text} {question.words[question.right]}"
        if question.shown_by and REFUSES.search(asked):
            assert question.refusal, (question.name, asked)


def copy_of(name: str, tmp_path: Path, *changes: tuple[str, str]) -> CourseLesson:
    """Return a lesson with other texts in its file."""
    text = next(FOLDER.glob(f"*-{name}.toml")).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / f"{name}.toml"
    file.write_text(text, "utf-8")
    catalogue = read_catalogue(file)
    assert catalogue.refusals == ()
    return catalogue.lessons[name]


def test_check_refuses_a_value_where_a_refusal_has_to_be_shown(tmp_path: Path) -> None:
    """The row that sends the value exists, and shows no refusal."""
    value = 'about = "run"\nrefusal = true\nshown_by = "exchange where purpose = token"\n'
    old = "event where what = code_refused and seat = mallory and reason = wrong_verifier"
    lesson = copy_of("stolen-code", tmp_path, (f'refusal = true\nshown_by = "{old}"\n', value))
    (problem,) = asyncio.run(check_lesson(lesson)).problems
    assert problem.startswith("The answer says that something is refused")
    assert problem.endswith(": q1.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('row = "redeemed"', 'row = "redemed"'),
        ('parts = ["form.code_verifier"]', "parts = []"),
        ("budget = 1", "budget = 0"),
        ('sound = [["victim.pkce"]]', 'sound = [["victim.dpop"]]'),
        ('sound = [["victim.pkce"]]', ""),
        ('profile = "generic"', 'profile = "access"'),
        ('moves = ["redeem", "call"]', 'moves = ["redeem", "lure"]'),
        ('parties = ["victim"]', 'parties = ["second"]'),
    ],
)
def test_check_finds_what_makes_no_sense_together(old: str, new: str, tmp_path: Path) -> None:
    """Each part can be read alone; it is refused, or does not pass as it has to."""
    lesson = copy_of("stolen-code", tmp_path, (old, new))
    with suppress(LessonRefused):
        assert asyncio.run(check_lesson(lesson)).problems


def test_check_warns_of_a_right_option_that_is_the_longest(tmp_path: Path) -> None:
    assert list(warnings(COURSE["stolen-code"])) == []
    longer = "It is much longer than any of the others, as a right answer often is: "
    rights = {"a": "The program", "b": "It is refused, too", "c": "Someone who tries"}
    changes = [(words, f"{longer}{words}") for words in rights.values()]
    (warning,) = warnings(copy_of("stolen-code", tmp_path, *changes))
    assert "longest in q1, q3, q4, q5" in warning


@pytest.mark.parametrize("name", COURSE)
def test_no_lesson_of_the_program_can_be_guessed(name: str) -> None:
    assert list(warnings(COURSE[name])) == []


def test_the_right_prediction_is_not_always_the_first() -> None:
    first = (lesson.for_seed(0).solution.partition("\n")[0] for lesson in COURSE.values())
    assert set(first) >= {"predict a", "predict b"}


@pytest.mark.parametrize("name", [name for name in COURSE if COURSE[name].offer])
def test_an_attempt_draws_the_order_of_the_switches(name: str) -> None:
    """The file lists those that help first."""
    lesson = COURSE[name]
    drawn = [lesson.in_order(seed, 1).offer for seed in range(20)]
    assert len({next(iter(offer)) for offer in drawn}) > 1
    assert all(offer == lesson.offer for offer in drawn)
    assert list(lesson.in_order(3, 1).offer) == list(lesson.in_order(3, 2).offer)


def rights(lesson: CourseLesson) -> dict[str, str]:
    """Return the words of the right option of each question, by its name."""
    return {one.name: one.words[one.right] for one in lesson.questions}


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
        assert rights(first) == rights(lesson)
        assert rights(second) == rights(lesson)
    shown = {tuple(lesson.in_order(seed, 1).prediction.words.values()) for seed in range(20)}
    assert len(shown) > 1


def test_a_lesson_that_goes_on_has_the_same_letters_and_a_second_try_has_others() -> None:
    lesson, file = COURSE["read-a-refusal"], ProgressFile(None)

    async def asked(*, again: bool = False) -> tuple[int, list[str]]:
        async with OpenLesson(lesson, file) as opened:
            if not opened.resumed:
                await opened.make(move_in("predict a"))
            if again:
                await opened.start_over(LessonPhase.QUESTIONS)
            return opened.attempt.order, [question.a.sentence for question in opened.lesson.questions]

    first, resumed, again = (asyncio.run(asked(again=again)) for again in (False, False, True))
    assert first == resumed
    assert (first[0], again[0]) == (1, 2)
    assert first[1] != again[1]


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    read = read_catalogue(tmp_path)
    assert read.refusals == ()
    assert {name: replace(one, built_in=True) for name, one in read.lessons.items()} == {**COURSE, **drills()}


def test_a_broken_lesson_does_not_block_the_others(tmp_path: Path) -> None:
    for path in sorted(FOLDER.iterdir())[:3]:
        shutil.copy(path, tmp_path)
    (tmp_path / "02-code-not-key.toml").write_text("format = 1\n")
    catalogue = read_catalogue(tmp_path)
    assert list(catalogue.lessons) == ["read-a-refusal", "stolen-code"]
    assert list(map(str, catalogue.refusals)) == ["02-code-not-key.toml:1:1: “lesson” is missing"]


def test_rotation_alone_refuses_the_second_and_leaves_the_first_in() -> None:
    """Lesson 7: the old token ends, the thief goes on, and no one is alarmed."""
    lesson = COURSE["used-twice"]
    moves = moves_of(lesson.solution.split("\n"))
    weaker = [move_in("defend server.rotation") if move.verb == "defend" else move for move in moves]
    made = asyncio.run(attempt_of(lesson, weaker))
    world = present(made.world_of(LessonPhase.REPAIR))
    assert not made.passed
    assert (What.REFRESH_REFUSED, Reason.USED) in {(event.what, event.reason) for event in world.events}
    assert What.GRANT_ENDED not in {event.what for event in world.events}


async def test_before_the_repair_the_old_token_of_lesson_7_stays_good() -> None:
    moves = moves_of(COURSE["used-twice"].solution.split("\n"))
    async with LessonAttempt(COURSE["used-twice"]) as attempt:
        await attempt.make_all(moves[:6], LONGEST)
        world = present(attempt.world_of(LessonPhase.BREAK))
        sent = [event.refresh for event in world.events if event.what is What.REFRESHED]
    assert len(sent) == 2
    assert len(set(sent)) == 1


PAGE = Path(__file__).parents[3] / "docs" / "learning.md"


def test_the_lessons_of_the_page_are_sound(tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").partition("\n## A lesson of your own")[2].partition("\n## ")[0]
    for number, text in enumerate(
        re.findall(r"^```toml\n(format.*?)^```$", section, re.MULTILINE | re.DOTALL)
    ):
        (tmp_path / f"{number}.toml").write_text(text)
    catalogue = read_catalogue(tmp_path)
    assert catalogue.refusals == ()
    checks = [asyncio.run(check_lesson(lesson)) for lesson in catalogue.lessons.values()]
    assert [(one.lesson.name, one.problems, one.warnings) for one in checks] == [
        ("refused", (), ()),
        ("code-twice", (), ()),
    ]
    assert [one.tried for one in checks] == [3, 14]


def test_a_new_lesson_is_the_small_one_of_the_page_under_its_own_name(tmp_path: Path) -> None:
    assert new_lesson("refused") in PAGE.read_text("utf-8")
    (tmp_path / "mine.toml").write_text(new_lesson("my-own"), encoding="utf-8")
    assert list(read_catalogue(tmp_path).lessons) == ["my-own"]
    with pytest.raises(LessonRefused, match="“My own”: an id has 2 to 40"):
        new_lesson("My own")


def test_the_page_names_every_word_that_a_lesson_can_have() -> None:
    """An author has no other list: what the page leaves out has to be guessed."""
    named = set(
        re.findall(r"`([^`\n]+)`", PAGE.read_text("utf-8").partition("\n### The words of a world")[2])
    )
    prefixes = {f"{prefix}.*" for prefix in PREFIXES}
    rows = {field for fields in WORDS.values() for field in fields}
    events = {word for words in WORDS[Source.EVENT].values() for word in words}
    world = {*Profile, *Weakness, *VICTIM_SWITCHES, *SWITCHES, *LOOT, *get_args(PartyName)}
    assert {*world, *prefixes, *rows, *events} <= named
