"""Copying in the wizard: the token has an entry of its own, and a masked copy says that it is masked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from authlens_core.trace.record import Stage
from authlens_tui.screens.copy_menu import CopyMenuScreen
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import Host, scripted, text_of, until, wizard_on
from support.scripted_login import come_back

pytestmark = pytest.mark.slow  # each test plays a whole screen

TOKEN = "access-canary-1"


@asynccontextmanager
async def logged_in(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    """Show a login that has ended well."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=size) as (wizard, pilot, app):
        await pilot.press("a")
        await until(pilot, lambda: login.position is None and login.running is None)
        yield wizard, pilot, app


async def walk_to_the_token(pilot: Pilot[int], app: Host) -> None:
    """Open the copy menu and put its cursor on the last entry."""
    await pilot.press("C")
    await until(pilot, lambda: isinstance(app.screen, CopyMenuScreen))
    assert "Access token" in text_of(app)
    assert TOKEN not in text_of(app)
    await pilot.press("end", "enter")
    await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))


@pytest.mark.parametrize("size", [(80, 40), (80, 24)], ids=str)
async def test_the_token_is_copied_from_the_menu_after_a_question(size: tuple[int, int]) -> None:
    async with logged_in(size) as (wizard, pilot, app):
        assert "C Copy…" in text_of(app)
        await walk_to_the_token(pilot, app)
        await pilot.press("enter")  # the safe answer has the focus
        await until(pilot, lambda: app.screen is wizard and "Nothing copied." in text_of(app))
        assert app.copied == []
        await walk_to_the_token(pilot, app)
        await pilot.press("y")
        await until(pilot, lambda: app.copied != [])
        assert app.copied == [("Access token", TOKEN)]


async def test_before_a_token_is_received_the_menu_has_none() -> None:
    login, _ = scripted()
    async with wizard_on(login) as (_, pilot, app):
        await pilot.press("n")
        await until(pilot, lambda: bool(login.trace.records) and login.running is None)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CopyMenuScreen))
        assert "Access token" not in text_of(app)


async def test_a_copy_with_masked_secrets_names_the_key_that_copies_the_token() -> None:
    async with logged_in() as (wizard, pilot, app):
        wizard.show_stage(Stage.EXCHANGE)
        await pilot.press("right_square_bracket", "right_square_bracket", "x", "c")
        await until(pilot, lambda: "Secrets masked; the token: C." in text_of(app))
        assert TOKEN not in app.copied[0][1]
        wizard.show_stage(Stage.DETECTION)
        await pilot.press("c")
        await until(pilot, lambda: len(app.copied) > 1 and "Copied." in text_of(app))
        assert "masked" not in text_of(app)


async def test_what_is_said_of_a_copy_goes_with_the_next_key() -> None:
    async with logged_in() as (wizard, pilot, app):
        await pilot.press("c")
        await until(pilot, lambda: "Copied." in text_of(app))
        wizard.tick()
        await pilot.pause()
        assert "Copied." in text_of(app)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "Copied." not in text_of(app))
