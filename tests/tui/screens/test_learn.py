"""The course by its keys: a lesson from the prediction to the last question, and the way back."""

from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from authlens_lab.learning import verdict
from authlens_lab.learning.catalogue import drills, lessons
from authlens_lab.learning.desk.course import Course
from authlens_lab.learning.progress import ProgressFile
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.demo import DemoWorkspace
from authlens_tui.screens.learn.action_list import ActionList
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.question import QuestionScreen
from authlens_tui.screens.trace.player import PlayerScreen
from support.lesson_letters import as_in_the_files
from support.screens import press, text_of, until

COURSE = {name: read for name, read in lessons().items() if name in {"read-a-refusal", "stolen-code"}}


@pytest.fixture(autouse=True)
def _letters_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_the_files(monkeypatch)


async def shows(pilot: Pilot[int], words: str) -> None:
    await until(pilot, lambda: words in text_of(pilot.app))  # type: ignore[arg-type]


def course_app(course: Course, first: str = "") -> AuthlensApp:
    """Return the course on the screen."""
    workspace = DemoWorkspace(menu_first=True, course=course, first=first)
    return AuthlensApp(workspace=workspace, environ={})


async def to_the_repair(pilot: Pilot[int]) -> None:
    """Do the first lesson up to its repair."""
    await shows(pilot, "Go on: 1 Read a refusal")
    await press(pilot, "enter", then="▶ PREDICT")
    await press(pilot, "enter", then="Select a line first")
    await press(pilot, "a", "enter", then="▶ RUN")
    await press(pilot, "enter", then="Go on: observe")
    await press(pilot, "enter", then="▶ OBSERVE")
    await press(pilot, "enter", "down", "enter", then="✖ Not host.")
    await press(pilot, *["down"] * 4, "enter", then="Go on: break")
    await press(pilot, "enter", then="▶ BREAK")
    await press(pilot, "enter", then="Select a line first")
    await press(pilot, "down", "enter", then="Made: publish. 3 moves are left. z")
    await press(pilot, "end", "enter", then="Go on: repair")
    await press(pilot, "enter", then="▶ REPAIR")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_lesson_is_done_by_keys_and_each_answer_is_judged(
    size: tuple[int, int],
) -> None:
    file = ProgressFile(None)
    # Between the two, and passed before: it is not the next lesson.
    file.change("code-not-key", lambda known: replace(known, passed_version=1))
    three = {name: read for name, read in lessons().items() if name == "code-not-key" or name in COURSE}
    app = course_app(Course(three, file))
    async with app.run_test(size=size) as pilot:
        await to_the_repair(pilot)
        await press(pilot, "down", "down", "enter", then="✖ Not enough")
        await press(pilot, "up", "enter", then="Go on: questions")
        await press(pilot, "tab", "tab", "n", then="▶ QUESTIONS")
        await press(pilot, "b", "enter", then="✖ No. a: This request had no token")
        await shows(pilot, "Header fields of the request")
        await press(pilot, "escape", "n", then="Who names the login server?")
        await press(pilot, "b", "enter", then="✔ Right.")
        for letter in "cab":
            await press(pilot, "enter", then="Select the answer")
            await press(pilot, letter, "enter", then="✔ Right.")
        await shows(pilot, "✔ You passed: 4 of 5")
        await press(pilot, "enter", then="✔ Passed: 1 Read a refusal")
        await shows(pilot, "2 of 3 passed")
        assert "✔●●●●●●" in text_of(app)
        await press(pilot, "enter", then="Again, from 1 Read a refusal")
        await press(pilot, "a", then="▶ PREDICT")
        await shows(pilot, "✔ Right.")
        assert file.of("read-a-refusal").missed == ()
        assert "3 A stolen code" in text_of(app)
    assert file.of("read-a-refusal").passed_version == lessons()["read-a-refusal"].version


@pytest.mark.parametrize(
    ("after", "passed", "following"),
    [
        ("stolen-code", ["stolen-code"], "read-a-refusal"),
        ("read-a-refusal", ["read-a-refusal"], "stolen-code"),
        ("stolen-code", COURSE, ""),
    ],
)
def test_the_next_lesson_is_the_first_behind_or_else_before_that_is_not_passed(
    after: str, passed: Iterable[str], following: str
) -> None:
    file = ProgressFile(None)
    for name in passed:
        file.change(name, lambda known: replace(known, passed_version=1))
    course = Course(COURSE, file)
    assert course.next_after(after) == following


async def test_stopping_and_starting_leads_to_the_same_phase() -> None:
    file = ProgressFile(None)
    app = course_app(Course(COURSE, file))
    async with app.run_test(size=(100, 30)) as pilot:
        await to_the_repair(pilot)
        await press(pilot, "escape", "down", then="You stopped at repair")
        await press(pilot, "enter", then="You are where you stopped")
        await press(pilot, "greater_than_sign", then=PlayerScreen)
        await shows(pilot, "3 of 4")
        await pilot.press("escape")
        await press(pilot, "X", then="▶ PREDICT")
    assert file.of("read-a-refusal").moves == ()


async def test_another_move_can_be_added_to_the_attack_before_and_in_the_repair() -> None:
    app = course_app(Course(COURSE, ProgressFile(None)))
    async with app.run_test(size=(120, 40)) as pilot:
        await to_the_repair(pilot)
        await press(pilot, "end", "enter", then="▶ BREAK")
        await pilot.press("end", "enter")
        await until(pilot, lambda: len(app.screen.query_one("#story", ActionList).options) > 5)
        await shows(pilot, "Go on: repair")


async def test_the_catalogue_finds_by_words_and_opens_where_it_is_told() -> None:
    app = course_app(Course(COURSE, ProgressFile(None)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Go on: 1")
        await press(pilot, "slash", *"pkce", then=lambda: "1 Read a refusal" not in text_of(app))
        catalogue = app.screen
        assert isinstance(catalogue, CatalogueScreen)
        await until(pilot, lambda: catalogue.selected == "stolen-code")
        await pilot.press("enter")
        assert catalogue.listed.has_focus
        await press(pilot, "escape", then="1 Read a refusal")
        assert catalogue.selected == "stolen-code"
        await press(pilot, "end", "enter", then=QuestionScreen)
        assert list(drills().values())[-1].title in text_of(app)
        await pilot.press("escape", "escape")
    assert app.return_code == 0


async def test_a_lesson_that_cannot_be_judged_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "MOST_STEPS", 1)
    app = course_app(Course(COURSE, ProgressFile(None)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await shows(pilot, "Go on: 1")
        await press(pilot, "enter", then="▶ PREDICT")
        await press(pilot, "a", "enter", then="▶ RUN")
        await press(pilot, "enter", then="too vague")
        assert isinstance(app.screen, CatalogueScreen)


async def test_a_question_is_beside_its_answers_and_the_rest_of_the_task_is_a_page_down() -> None:
    app = course_app(Course(COURSE, ProgressFile(None)), "stolen-code")
    async with app.run_test(size=(80, 20)) as pilot:
        await shows(pilot, "▶ PREDICT")
        await shows(pilot, "PgDn: more")
        assert "What does it answer?" in text_of(app)
        assert "the theft" not in text_of(app)
        for focus in ("move", "task"):
            app.screen.query_one(f"#{focus}").focus()
            await press(pilot, "pageup", "pagedown", then="the theft")
        assert "PgDn: more" not in text_of(app)


async def test_the_value_that_counts_is_listed_once() -> None:
    app = course_app(Course(COURSE, ProgressFile(None)), "read-a-refusal")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "▶ PREDICT")
        await press(pilot, "a", "enter", then="▶ RUN")
        await press(pilot, "enter", then="Go on: observe")
        await press(pilot, "enter", then="▶ OBSERVE")
        await press(pilot, "enter", then="resource_metadata")
        story = [str(option.prompt) for option in app.screen.query_one("#story", ActionList).options]
        assert sum("resource_metadata" in line for line in story) == 1
        assert not any("www-authenticate" in line for line in story)
