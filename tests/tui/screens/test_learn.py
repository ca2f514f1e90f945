"""The course by its keys: a lesson from the prediction to the last question, and the way back."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import OptionList

from authlens_core.learning import verdict
from authlens_core.learning.catalogue import drills, lessons
from authlens_core.learning.desk.course import Course
from authlens_core.learning.moves import LessonPhase, move_in
from authlens_core.learning.offers import forms
from authlens_core.learning.progress import ProgressFile
from authlens_tui.app.learn import LearnApp, summary_screen
from authlens_tui.screens.learn.catalogue import CatalogueScreen
from authlens_tui.screens.learn.lesson_text import asked_in
from authlens_tui.screens.learn.move_list import MoveList
from authlens_tui.screens.trace.player import PlayerScreen
from support.lesson_letters import as_in_the_files
from support.screens import run_screen, text_of, until

COURSE = {name: read for name, read in lessons().items() if name in {"read-a-refusal", "stolen-code"}}


@pytest.fixture(autouse=True)
def _letters_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    as_in_the_files(monkeypatch)


async def shows(pilot: Pilot[int], words: str) -> None:
    await until(pilot, lambda: words in text_of(pilot.app))  # type: ignore[arg-type]


async def to_the_repair(pilot: Pilot[int]) -> None:
    """Do the first lesson up to its repair."""
    await pilot.press("enter")
    await shows(pilot, "▶ PREDICT")
    await pilot.press("enter")
    await shows(pilot, "▶ RUN")
    await pilot.press("enter")
    await shows(pilot, "Go on: observe")
    await pilot.press("enter")
    await shows(pilot, "▶ OBSERVE")
    await pilot.press("enter", "enter")
    await shows(pilot, "✖ Not host.")
    assert "⏎ Point" in text_of(pilot.app)  # type: ignore[arg-type]
    assert "d Done" in text_of(pilot.app)  # type: ignore[arg-type]
    await pilot.press(*["down"] * 4, "enter")
    await shows(pilot, "Go on: break")
    await pilot.press("enter")
    await shows(pilot, "▶ BREAK")
    await pilot.press("enter")
    await shows(pilot, "✖ Choose first")
    await pilot.press("right", "down", "right", "down", "right", "enter")
    await shows(pilot, "Made: publish. 3 moves are left. z")
    await pilot.press("home", "right", "enter")
    await shows(pilot, "Go on: repair")
    await pilot.press("enter")
    await shows(pilot, "▶ REPAIR")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_lesson_is_done_by_keys_and_each_answer_is_judged(
    size: tuple[int, int],
) -> None:
    file = ProgressFile(None)
    # Between the two, and passed before: it is not the next lesson.
    file.change("code-not-key", lambda known: replace(known, passed_version=1))
    three = {name: read for name, read in lessons().items() if name == "code-not-key" or name in COURSE}
    app = LearnApp(Course(three, file), {})
    async with app.run_test(size=size) as pilot:
        await to_the_repair(pilot)
        await pilot.click("#move", offset=(1, 0))
        await shows(pilot, "[x] The metadata names the wiki")
        await pilot.press("space", "down", "space", "enter")
        await shows(pilot, "✖ Not enough")
        await pilot.press("home", "enter")
        await shows(pilot, "✖ Turn a switch on first")
        await pilot.press("space", "enter")
        await shows(pilot, "Go on: questions")
        await pilot.press("tab", "tab", "n")
        await shows(pilot, "▶ QUESTIONS")
        await pilot.press("b", "enter")
        await shows(pilot, "✖ No. a: This request had no token")
        await pilot.press("down", "enter")
        await shows(pilot, "Arrow 1: GET /")
        await pilot.press("escape", "n")
        await shows(pilot, "Who names the login server?")
        await pilot.press("b", "enter")
        await shows(pilot, "✔ Right.")
        for right in (2, 0, 1):
            await pilot.press("enter")
            await shows(pilot, "Choose the answer")
            await pilot.press(*["down"] * right, "enter")
            await shows(pilot, "✔ Right.")
        await pilot.press("enter")
        await shows(pilot, "✔ Passed: 1 Read a refusal")
        await pilot.press("enter")
        await shows(pilot, "Again, from 1 Read a refusal")
        await pilot.press("enter")
        await shows(pilot, "✔ Right.")
        assert file.of("read-a-refusal").missed == ()
        await pilot.press("enter")
        await shows(pilot, "▶ PREDICT")
        assert "3 A stolen code" in text_of(app)
        await pilot.press("escape")
        await shows(pilot, "2 of 3 passed")
        assert "✔●●●●●●" in text_of(app)
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
    assert summary_screen(course, after).check_action("leave", ("NEXT",)) == bool(following)


async def test_stopping_and_starting_leads_to_the_same_phase() -> None:
    file = ProgressFile(None)
    app = LearnApp(Course(COURSE, file), {})
    async with app.run_test(size=(100, 30)) as pilot:
        await to_the_repair(pilot)
        await pilot.press("escape")
        await shows(pilot, "You stopped at repair")
        await pilot.press("enter")
        await shows(pilot, "You are where you stopped")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: isinstance(app.screen, PlayerScreen))
        await shows(pilot, "3 of 4")
        await pilot.press("escape")
        await pilot.press("X")
        await shows(pilot, "▶ PREDICT")
    assert file.of("read-a-refusal").moves == ()


async def test_the_catalogue_finds_by_words_and_opens_where_it_is_told() -> None:
    app = LearnApp(Course(COURSE, ProgressFile(None)), {})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"pkce")
        await shows(pilot, "3 A stolen code")
        assert "Read a refusal" not in text_of(app)
        await pilot.press("escape")
        await shows(pilot, "Read a refusal")
        catalogue = app.screen
        assert isinstance(catalogue, CatalogueScreen)
        assert catalogue.selected is not None
        assert catalogue.selected.name == "stolen-code"
        await pilot.press("slash", "a", "enter")  # several have it: Enter only leads to the list
        assert len(catalogue.matching) > 1
        assert catalogue.listed.has_focus
        assert app.screen is catalogue


async def test_a_lesson_that_cannot_be_judged_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "MOST_STEPS", 1)
    app = LearnApp(Course(COURSE, ProgressFile(None)), {})
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("enter")
        await shows(pilot, "▶ PREDICT")
        await pilot.press("enter")
        await shows(pilot, "▶ RUN")
        await pilot.press("enter")
        await shows(pilot, "too vague")
        assert isinstance(app.screen, CatalogueScreen)


async def test_a_form_is_sent_once_everything_is_chosen_and_nothing_is_chosen_before() -> None:
    """Its last line is none to choose, and has no name."""
    sent: list[MoveList.Sent] = []

    class Form(Screen[None]):
        def compose(self) -> ComposeResult:
            yield MoveList(id="move")

        def on_mount(self) -> None:
            lesson = COURSE["stolen-code"]
            self.query_one(MoveList).offer_forms(forms(lesson, LessonPhase.BREAK, ["code", "client"]))

        def on_move_list_sent(self, event: MoveList.Sent) -> None:
            sent.append(event)

    async with run_screen(Form()) as (app, pilot):
        app.screen.query_one(MoveList).focus()
        await pilot.press("enter", "right", "enter", "down", "down", "right", "enter", "right", "enter")
        await until(pilot, lambda: len(sent) == 4)
    moves = [event.move for event in sent]
    assert moves == [None, None, move_in("redeem"), move_in("redeem verifier=wrong")]


async def test_a_drill_ends_the_course_and_is_what_the_demo_starts_with() -> None:
    """The catalogue has both; a drill needs the wizard of the demo."""
    app = LearnApp(Course(COURSE, ProgressFile(None)), {})
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Drills · Start here")
        await pilot.press("end", "enter")
        await until(pilot, lambda: bool(app.drill))
    assert (app.drill, app.return_code) == (list(drills())[-1], 0)


@pytest.mark.parametrize(("name", "can_change"), [("read-a-refusal", False), ("another-device", True)])
def test_a_run_says_how_a_line_is_changed_only_if_one_can_be(name: str, can_change: bool) -> None:
    lesson = lessons()[name]
    asked = asked_in(LessonPhase.RUN, forms(lesson, LessonPhase.RUN, ()))
    assert ("← →" in asked) is can_change


async def test_a_question_is_beside_its_answers_and_the_rest_of_the_task_is_a_page_down() -> None:
    app = LearnApp(Course(COURSE, ProgressFile(None)), {}, start="stolen-code")
    async with app.run_test(size=(80, 20)) as pilot:
        await shows(pilot, "▶ PREDICT")
        await shows(pilot, "PgDn: more")
        assert "What does it answer?" in text_of(app)
        assert "the theft" not in text_of(app)
        for focus in ("move", "task"):
            app.screen.query_one(f"#{focus}").focus()
            await pilot.press("pageup", "pagedown")
            await until(pilot, lambda: "the theft" in text_of(app))
        assert "PgDn: more" not in text_of(app)


async def test_no_key_leaves_the_move_without_a_selected_line() -> None:
    app = LearnApp(Course(COURSE, ProgressFile(None)), {}, start="stolen-code")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "▶ PREDICT")
        await pilot.press("a", "enter")
        await shows(pilot, "▶ RUN")
        for key in ("pagedown", "end", "pageup", "home"):
            await pilot.press(key)
            assert app.screen.query_one(MoveList).highlighted is not None, key
        await pilot.press("pagedown", "enter")
        await shows(pilot, "Go on: observe")


async def test_the_value_that_counts_is_listed_once() -> None:
    app = LearnApp(Course(COURSE, ProgressFile(None)), {}, start="read-a-refusal")
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "▶ PREDICT")
        await pilot.press("enter")
        await shows(pilot, "▶ RUN")
        await pilot.press("enter")
        await shows(pilot, "Go on: observe")
        await pilot.press("enter")
        await shows(pilot, "▶ OBSERVE")
        await pilot.press("enter")
        await shows(pilot, "resource_metadata")
        names = [option.id for option in app.screen.query_one("#story", OptionList).options]
        assert "challenge.resource_metadata" in names
        assert "reply.www-authenticate" not in names
