"""The help: keys of this screen in groups, the words explained, what to do when something is wrong."""

import re

import pytest

from authlens_core.values.word_files import words
from authlens_tui.app.base_app import key_names
from authlens_tui.screens.help import HelpScreen, glossary_items
from support.screens import press, text_of, until, wizard_on


def test_a_word_is_explained_in_one_short_line() -> None:
    """Two lines at 80 columns at most."""
    terms = words("help")["terms"]
    assert all(meaning.endswith(".") and len(meaning) <= 90 for meaning in terms.values())
    assert {"resource", "authorization server", "PKCE", "state", "refresh token"} <= set(terms)


def test_the_terms_have_one_name() -> None:
    """Heading, key, and what the help itself is called."""
    heading = next(glossary_items()).text.plain
    to_terms, to_help = key_names()["help.words"], key_names()["app.help"]
    assert to_terms.description == heading
    assert heading.lower() in to_terms.tooltip
    assert heading.lower() in to_help.tooltip


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_help_groups_the_keys_that_work_now(size: tuple[int, int]) -> None:
    """The screen's own, those of the focus, and those that work everywhere; nothing that is off."""
    async with wizard_on(size=size) as (wizard, pilot, app):
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and "Help" in text_of(app))
        shown = text_of(app)
        assert "On this screen" in shown
        assert "› 1 Detection › Help" in shown.splitlines()[0]
        assert re.search(r"n  Next +Run the next stage", shown)
        assert re.search(r"1–8  Overview, Request", shown) or "1–8" not in shown
        assert "Run the failed stage again" not in shown
        assert "ctrl+p searches the actions of this screen" in shown
        await press(pilot, "question_mark", then=wizard)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_words_and_the_way_to_report_can_be_reached_with_the_keyboard(
    size: tuple[int, int],
) -> None:
    """Everything is on one page that scrolls."""
    async with wizard_on(size=size) as (_wizard, pilot, app):
        await press(pilot, "question_mark", then=HelpScreen)
        await press(pilot, "end", then="To report a bug")
        assert "When something is wrong" in text_of(app)


async def test_help_on_a_tiny_terminal_closes_again() -> None:
    async with wizard_on(size=(20, 5)) as (wizard, pilot, _):
        await press(pilot, "question_mark", then=HelpScreen)
        await press(pilot, "escape", then=wizard)
