"""The app in terminals of few rows and columns, with real keys: what ends it loses the tokens in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from support.preloaded import Preloaded
from support.terminal import Terminal, terminal

pytestmark = pytest.mark.e2e

ROWS = range(5, 21)
"""Twenty rows are the least in which the dashboard shows its detail."""

COLUMNS = (20, 33, 80, 170)


@asynccontextmanager
async def dashboard(program: Preloaded, columns: int, rows: int) -> AsyncIterator[Terminal]:
    """Log in to the demo, in memory, and go on to the dashboard."""
    command = ("demo", "--fault", "plain", "--play", "--port", "0")
    async with terminal(command, columns=columns, rows=rows, forked_from=program) as screen:
        folded = columns < 100 or rows < 20
        await screen.wait_for("✔ ✔ ✔ ✔ ✔ ✔ ✔ ✔" if folded else "✔ 8 Access")
        # A login that has ended is left by this key; it does nothing before.
        screen.press("escape")
        await screen.wait_for("Credentials: " if columns < 33 else "Credentials: 1")
        yield screen


async def test_the_dashboard_is_resized_through_every_low_size(program: Preloaded) -> None:
    """H300: down and up again, row by row, while it shows a token that only this process has."""
    async with dashboard(program, 120, 40) as screen:
        for columns in COLUMNS:
            for rows in (*reversed(ROWS), *ROWS):
                screen.resize(columns, rows)
                screen.press("tab")
                await screen.wait_for("authlens")
        screen.resize(120, 40)
        await screen.wait_for("● live")
        screen.press("ctrl+q")
        assert await screen.wait_for_exit() == 0
