"""The menu of scenarios: complete, filtered by typing, and a question before every answer."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from authlens_core.emulator import Fault, Scenario, ScenarioGroup, StandardCase, scenarios
from authlens_tui.screens.rehearsal import RehearsalScreen, Run, matching
from support.screens import Host, footer_keys, text_of

ALL_SCENARIOS = scenarios()
SCENARIOS = [scenario for scenario in ALL_SCENARIOS if not isinstance(scenario.fault, StandardCase)]


class Menu(Host):
    """The shell around the menu; it notes what is to be run."""

    def __init__(self) -> None:
        super().__init__()
        self.menu = RehearsalScreen(self._run)
        self.chosen: list[Scenario] = []

    def on_mount(self) -> None:
        """Show the menu."""
        self.push_screen(self.menu)

    async def _run(self, scenario: Scenario) -> None:
        self.chosen.append(scenario)


def test_there_is_a_scenario_for_the_plain_login_and_for_every_fault() -> None:
    """A fault without a scenario could not be rehearsed."""
    assert sorted(one.name for one in SCENARIOS) == sorted(["plain", *(fault.value for fault in Fault)])
    assert SCENARIOS[0].fault is None


@pytest.mark.parametrize("scenario", ALL_SCENARIOS, ids=lambda one: one.name)
def test_a_scenario_asks_a_question_and_answers_it_in_sentences(scenario: Scenario) -> None:
    """Short enough for half a screen of 80 columns."""
    assert scenario.question.endswith("?")
    assert scenario.answer.endswith(".")
    assert len(scenario.question) <= 130
    assert len(scenario.answer) <= 260


def test_scenarios_of_one_group_stand_together() -> None:
    """Each heading comes once, in the order of a login."""
    order = [one.group for one in ALL_SCENARIOS]
    assert order == sorted(order, key=list(ScenarioGroup).index)


def test_every_word_of_the_filter_has_to_occur() -> None:
    """In the title, the name, the group or the sentence."""
    assert [one.fault for one in matching(SCENARIOS, "refresh rotate")] == [Fault.ROTATION_OFF]
    assert len(matching(ALL_SCENARIOS, "")) == len(ALL_SCENARIOS)


async def typed(pilot: Pilot[int], words: str) -> None:
    """Press the keys of `words`."""
    await pilot.press(*("space" if letter == " " else letter for letter in words))
    await pilot.pause()


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
        assert {"⏎", "→", "?", "esc"} <= footer_keys(app)
        await pilot.press("enter")
        await pilot.pause()
        assert [one.name for one in app.chosen] == ["plain"]


async def test_typing_filters_and_enter_runs_what_is_left() -> None:
    """Esc clears the filter before it leaves."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        await typed(pilot, "metadata another")
        await pilot.press("enter")
        await pilot.pause()
        assert [one.fault for one in app.chosen] == [Fault.RESOURCE_MISMATCH]
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
        await pilot.press("enter", "right")
        assert not app.chosen


async def test_the_answer_is_hidden_until_it_is_asked_for_or_the_scenario_was_run() -> None:
    """A question is worth nothing beside its answer."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("down")
        await pilot.pause()
        answer = SCENARIOS[1].answer[:40]
        assert answer not in text_of(app)
        await pilot.press("right")
        await pilot.pause()
        assert answer in text_of(app)
        await pilot.press("right")
        await pilot.pause()
        assert answer not in text_of(app)
        app.menu.note_run(SCENARIOS[1], Run.FINISHED)
        await pilot.pause()
        assert answer in text_of(app)
        assert f"✔ {SCENARIOS[1].title}" in text_of(app)


async def test_the_mouse_selects_with_one_click_and_starts_with_two() -> None:
    """What is selected by a click can be read before it runs."""
    app = Menu()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.click("#scenarios", offset=(6, 3))
        await pilot.pause()
        assert app.menu.selected is SCENARIOS[1]
        assert not app.chosen
        await pilot.click("#scenarios", offset=(6, 3), times=2)
        await pilot.pause()
        assert app.chosen == [SCENARIOS[1]]
        await pilot.click("#start")
        await pilot.pause()
        assert len(app.chosen) == 2


async def test_a_tiny_terminal_still_lists_the_scenarios() -> None:
    """20 x 5."""
    app = Menu()
    async with app.run_test(size=(20, 5)) as pilot:
        await pilot.press("down", "right", "enter")
        await pilot.pause()
        assert len(app.chosen) == 1
