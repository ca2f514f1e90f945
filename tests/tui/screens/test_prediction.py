"""The prediction before a drill, and what the catalogue says of the drill before and after."""

import pytest
from textual.screen import Screen

from authlens_lab.learning.catalogue import drills
from authlens_lab.learning.desk.drill_world import DrillVerdict, drill_card
from authlens_tui.screens.learn.action_list import SELECT_FIRST
from authlens_tui.screens.learn.question import QuestionScreen
from support.screens import press, run_screen, text_of

DRILL = drills()["post-only"]


@pytest.mark.parametrize(
    ("keys", "chosen"), [(("b",), "b"), (("down", "down", "enter"), "b"), (("enter", "c", "escape"), None)]
)
async def test_a_prediction_is_a_choice_and_esc_starts_nothing(
    keys: tuple[str, ...], chosen: str | None
) -> None:
    """No option is selected at first: Enter alone chooses none, and no letter that is not there."""
    async with run_screen(Screen[None](), size=(80, 24)) as (app, pilot):
        ended = list[str | None]()
        screen = QuestionScreen(DRILL.title, DRILL.prediction.text, DRILL.prediction.words, "")
        await app.push_screen(screen, ended.append)
        await press(pilot, *keys, then=lambda: bool(ended))
        assert ended == [chosen]


async def test_enter_before_an_option_is_selected_says_what_to_do() -> None:
    async with run_screen(Screen[None](), size=(80, 24)) as (app, pilot):
        await app.push_screen(
            QuestionScreen("", DRILL.prediction.text, DRILL.prediction.words, "Press a letter.")
        )
        await pilot.press("enter")
        assert SELECT_FIRST in text_of(app)


@pytest.mark.parametrize(
    ("verdict", "sign", "answered"),
    [
        (None, " ", False),
        (DrillVerdict("a", "a", 2), "✔", True),
        (DrillVerdict("b", "a", 2), "✖", True),
        (DrillVerdict("b", ""), "–", True),
    ],
)
def test_the_catalogue_answers_a_drill_once_it_was_run(
    verdict: DrillVerdict | None, sign: str, answered: bool
) -> None:
    """A question is worth nothing beside its answer."""
    shown = str(drill_card(DRILL, verdict))
    assert (verdict.sign if verdict else " ") == sign
    assert (DRILL.drill.answer in shown) is (DRILL.watch_for in shown) is answered
    assert ("No: a POST gets the 401 ✔" in shown) is bool(verdict and verdict.held)


def test_a_drill_that_ends_on_the_dashboard_is_answered_once_the_trace_shows_it() -> None:
    drill = drills()["rotation-off"]
    assert drill.drill.answer not in str(drill_card(drill, DrillVerdict("a", "")))
    assert drill.drill.answer in str(drill_card(drill, DrillVerdict("a", "a", 7)))
