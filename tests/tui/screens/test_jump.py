"""Jump mode: a letter over each place that can have the focus, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from authlens_tui.screens.jump import JumpScreen, Place, places_of
from authlens_tui.screens.palette import BindingScope, possible_actions
from authlens_tui.screens.trace.trace import TraceScreen
from authlens_tui.terminal.themes import DARK, SIXTEEN
from authlens_tui.widgets.credentials.credential_pane import CredentialPane
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.stepper import Stepper
from support.screens import Host, footer_keys, raw_segments, run_screen, scripted, text_of, until, wizard_on
from support.scripted_login import come_back
from tui.screens.test_snapshots import dashboard


async def jump(pilot: Pilot[Any], app: Host) -> tuple[Place, ...]:
    """Press the key, and return where the letters lead."""
    places = places_of(app.screen)
    await pilot.press("ctrl+o")
    await until(pilot, lambda: isinstance(app.screen, JumpScreen))
    return places


def place_of(places: tuple[Place, ...], kind: type[Widget]) -> Place:
    """Return the place of the only widget of a kind."""
    (found,) = (one for one in places if isinstance(one.widget, kind))
    return found


@pytest.mark.parametrize("theme", [DARK.name, SIXTEEN.name])
async def test_each_letter_is_drawn_where_its_place_begins(theme: str) -> None:
    """No two on the same cell, and all on the screen, of which the rest is seen."""
    async with run_screen(await dashboard(states=True)) as (app, pilot):
        app.theme = theme
        places = await jump(pilot, app)
        await until(pilot, lambda: "Resource  " in text_of(app))
        rows = ["".join(one.text for one in row) for row in raw_segments(app)]
        assert len({place.at for place in places}) == len({place.letter for place in places}) > 1
        for place in places:
            assert rows[place.at.y][place.at.x :].startswith(f" {place.letter} ")


async def test_a_letter_moves_the_focus_on_the_dashboard() -> None:
    """From the table to the details."""
    screen = await dashboard(states=True)
    async with run_screen(screen) as (app, pilot):
        places = await jump(pilot, app)
        await pilot.press(place_of(places, CredentialPane).letter)
        await until(pilot, lambda: app.screen is screen and isinstance(screen.focused, CredentialPane))


async def test_a_digit_turns_to_a_tab_and_reads_it_in_the_wizard() -> None:
    """The digits are those that turn to the tabs without a jump."""
    login, _ = scripted()
    async with wizard_on(login) as (wizard, pilot, app):
        await jump(pilot, app)
        await pilot.press("4")
        wanted = list(Tab)[3]
        await until(pilot, lambda: app.screen is wizard and wizard.record_view.tab is wanted)
        await until(pilot, lambda: wizard.focused is wizard.record_view.document)


async def test_a_letter_moves_the_focus_in_a_trace() -> None:
    """From what is shown back to the list of stages."""
    login, _ = scripted()
    login.watch(come_back(login))
    screen = TraceScreen(await login.run_all())
    async with run_screen(screen) as (app, pilot):
        screen.query_one(DocumentView).focus()
        places = await jump(pilot, app)
        await pilot.press(place_of(places, Stepper).letter)
        await until(pilot, lambda: app.screen is screen and isinstance(screen.focused, Stepper))


async def test_escape_leaves_the_focus_where_it_was() -> None:
    """As if nothing had been pressed."""
    screen = await dashboard(states=True)
    async with run_screen(screen, size=(80, 24)) as (app, pilot):
        before = screen.focused
        await jump(pilot, app)
        assert "esc" in footer_keys(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        assert screen.focused is before


async def test_tab_and_enter_choose_a_place_without_reading_letters() -> None:
    """The marked letter is the one that Enter takes."""
    screen = await dashboard(states=True)
    async with run_screen(screen) as (app, pilot):
        places = await jump(pilot, app)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is screen and screen.focused is places[1].widget)


async def test_another_size_of_the_terminal_ends_the_jump() -> None:
    """The letters would be over other places."""
    screen = await dashboard(states=True)
    async with run_screen(screen) as (app, pilot):
        await jump(pilot, app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: app.screen is screen)


async def test_the_palette_and_the_help_name_the_key() -> None:
    """Among what works everywhere."""
    async with run_screen(await dashboard(states=True)) as (app, _):
        (jump_entry,) = (one for one in possible_actions(app.screen) if one.action == "jump")
        assert (jump_entry.keys, jump_entry.scope) == ("^o", BindingScope.EVERYWHERE)
