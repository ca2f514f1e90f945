"""How to leave is on the screen when somebody presses ctrl+c."""

from __future__ import annotations

import pytest

from support.screens import Host, text_of, until
from tui.screens.test_snapshots import STATES, dashboard


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=str)
async def test_ctrl_c_on_the_dashboard_says_how_to_quit(size: tuple[int, int]) -> None:
    """Nothing runs there that it could stop."""
    app = Host()
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await dashboard(states=True)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.listing.shown) == STATES)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "ctrl+c again, or q, to quit" in text_of(app))
