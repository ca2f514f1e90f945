"""Copying in the wizard: a masked copy says that it is masked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from authlens_core.trace.record import Stage
from authlens_tui.screens.wizard.wizard import WizardScreen
from support.screens import Host, press, scripted, text_of, until, wizard_on
from support.scripted_login import come_back

pytestmark = pytest.mark.slow  # each test plays a whole screen

TOKEN = "access-canary-1"


@asynccontextmanager
async def logged_in(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[WizardScreen, Pilot[int], Host]]:
    """Show a login that has ended well."""
    login, _ = scripted()
    login.watch(come_back(login))
    async with wizard_on(login, size=size) as (wizard, pilot, app):
        await press(pilot, "a", then=lambda: login.position is None and login.running is None)
        yield wizard, pilot, app


async def test_a_copy_says_that_its_secrets_are_masked() -> None:
    async with logged_in() as (wizard, pilot, app):
        wizard.show_stage(Stage.EXCHANGE)
        await pilot.press("right_square_bracket", "right_square_bracket", "x", "c")
        await until(pilot, lambda: "Secrets are masked." in text_of(app))
        assert TOKEN not in app.copied[0][1]
        wizard.show_stage(Stage.DETECTION)
        await press(pilot, "c", then=lambda: len(app.copied) > 1 and "Copied." in text_of(app))
        assert "masked" not in text_of(app)


async def test_what_is_said_of_a_copy_goes_with_the_next_key() -> None:
    async with logged_in() as (wizard, pilot, app):
        await press(pilot, "c", then="Copied.")
        wizard.tick()
        await pilot.pause()
        assert "Copied." in text_of(app)
        await press(pilot, "right_square_bracket", then=lambda: "Copied." not in text_of(app))
