"""The menu of scenarios: complete, filtered by typing, and a question before every answer."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from authlens_core.learning.drill.drill import Drill
from authlens_core.learning.drill.drill_file import drills
from authlens_core.learning.drill.drill_verdict import DrillVerdict
from authlens_tui.screens.prediction import PredictionScreen
from authlens_tui.screens.rehearsal import RehearsalScreen, Run, matching
from support.screens import Host, footer_keys, text_of, until

SCENARIOS = tuple(drills().values())


class Menu(Host):
    """The shell around the menu; it notes what is to be run."""

    def __init__(self) -> None:
        super().__init__()
        self.menu = RehearsalScreen(self._run)
        self.chosen: list[tuple[str, str]] = []

    def on_mount(self) -> None:
        """Show the menu."""
        self.push_screen(self.menu)

    async def _run(self, drill: Drill, predicted: str) -> None:
        self.chosen.append((drill.name, predicted))


def test_every_word_of_the_filter_has_to_occur() -> None:
    """In the title, the name, the group or the sentence."""
    assert [one.name for one in matching(SCENARIOS, "refresh rotate")] == ["rotation-off"]
    assert len(matching(SCENARIOS, "")) == len(SCENARIOS)


async def typed(pilot: Pilot[int], words: str) -> None:
    """Press the keys of `words`."""
    await pilot.press(*("space" if letter == " " else letter for letter in words))
    await pilot.pause()


async def predict(pilot: Pilot[int], key: str) -> None:
    """Start what is selected, and press a key of the prediction."""
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, PredictionScreen))
    await pilot.press(key)
    await until(pilot, lambda: not isinstance(pilot.app.screen, PredictionScreen))
    await pilot.app.workers.wait_for_complete()


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_first_screen_says_what_to_do(size: tuple[int, int]) -> None:
    """Somebody who has never used it sees the plain login selected, its question, and the key."""
    app = Menu()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = text_of(app)
        assert "no account, no network" in shown
        assert "A normal login" in shown
        assert "Enter starts it." in shown
        assert {"⏎", "?", "esc"} <= footer_keys(app)
        await predict(pilot, "b")
        assert app.chosen == [("plain", "b")]


async def test_typing_filters_and_enter_runs_what_is_left() -> None:
    """Esc clears the filter before it leaves."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        await typed(pilot, "metadata another")
        await predict(pilot, "a")
        assert app.chosen == [("resource-mismatch", "a")]
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.menu
        assert app.menu.filter.value == ""
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not app.menu


async def test_a_filter_that_matches_nothing_says_how_to_go_on() -> None:
    """And Enter does nothing."""
    app = Menu()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "zzz")
        assert "No match." in text_of(app)
        await pilot.press("enter")
        assert not app.chosen


async def test_a_prediction_is_wanted_before_a_scenario_starts_and_esc_starts_nothing() -> None:
    """No option is selected at first: Enter alone chooses none, and no letter that is not there."""
    app = Menu()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, PredictionScreen))
        await pilot.press("enter", "c")
        await pilot.pause()
        assert isinstance(app.screen, PredictionScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.menu)
        assert not app.chosen
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: bool(app.chosen))
        assert app.chosen == [("post-only", "a")]


async def test_the_answer_is_shown_once_the_scenario_was_run_with_what_the_prediction_was_worth() -> None:
    """A question is worth nothing beside its answer."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        drill = SCENARIOS[1]
        await pilot.press("down")
        await pilot.pause()
        assert not any(words[:30] in text_of(app) for words in (drill.answer, drill.watch_for))
        assert drill.options["b"].words in text_of(app)
        app.menu.note_verdict(drill, DrillVerdict("a", "b", 2))
        app.menu.note_run(drill, Run.FINISHED)
        await pilot.pause()
        shown = text_of(app)
        assert drill.answer[:40] in shown
        assert "You predicted a. Your trace shows b (arrow 2)." in shown
        assert f"✔ {drill.title}" in shown
        assert "✔ b" in shown
        assert "✖ a" in shown


async def test_the_mouse_selects_with_one_click_and_starts_with_two() -> None:
    """What is selected by a click can be read before it runs."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.click("#scenarios", offset=(6, 3))
        await pilot.pause()
        assert app.menu.selected is SCENARIOS[1]
        assert not app.chosen
        await pilot.click("#scenarios", offset=(6, 3), times=2)
        await until(pilot, lambda: isinstance(app.screen, PredictionScreen))
        await pilot.press("escape")
        await pilot.click("#start")
        await until(pilot, lambda: isinstance(app.screen, PredictionScreen))


async def test_a_tiny_terminal_still_lists_the_scenarios() -> None:
    """20 x 5."""
    app = Menu()
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.press("down")
        await predict(pilot, "a")
        assert len(app.chosen) == 1
