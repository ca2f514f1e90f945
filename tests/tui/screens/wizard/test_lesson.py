"""The lesson: readable at every size, turned with the arrow keys, left with Esc."""

import pytest

from authlens_core.trace.record import Stage
from authlens_tui.screens.wizard.lesson import LessonScreen
from support.screens import run_screen, text_of


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_a_lesson_stands_on_the_screen_with_its_three_parts(size: tuple[int, int]) -> None:
    """Why, what could happen without it, and the section that says so."""
    async with run_screen(LessonScreen(Stage.PKCE), size=size) as (app, pilot):
        shown = text_of(app)
        assert "Lesson: 5 PKCE" in shown
        assert "Why it exists" in shown
        assert "Without it" in shown
        await pilot.press("end")
        await pilot.pause()
        assert "RFC 7636 §4.2" in text_of(app)


async def test_the_arrows_turn_to_the_stages_beside_it() -> None:
    """After the last comes the first."""
    async with run_screen(LessonScreen(Stage.DETECTION)) as (app, pilot):
        await pilot.press("right")
        assert "Lesson: 2 Resource metadata" in text_of(app)
        await pilot.press("left", "left")
        assert "Lesson: Probe" in text_of(app)


@pytest.mark.parametrize("key", ["escape", "l"])
async def test_escape_and_the_key_that_opened_it_lead_back(key: str) -> None:
    screen = LessonScreen(Stage.DETECTION)
    async with run_screen(screen) as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert app.screen is not screen


async def test_a_tiny_terminal_does_not_break_it() -> None:
    async with run_screen(LessonScreen(Stage.ACCESS), size=(20, 5)) as (app, pilot):
        await pilot.press("right", "down", "end")
        assert app.is_running
