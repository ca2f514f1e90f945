"""What the palette offers by name: the scenarios of the demo, and on the dashboard each credential."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

if TYPE_CHECKING:
    from authlens_tui.app.authlens_app import AuthlensApp


def named_offers(app: AuthlensApp, screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield what has a name of its own; the palette shows it once it is looked for."""
    dashboard, workspace = app.dashboard, app.workspace
    if screen in (workspace.menu, dashboard):
        for title, start in workspace.scenarios():
            yield SystemCommand("Drill", title, partial(_run_scenario, app, start), discover=False)
    if dashboard is not None and screen is dashboard:
        for entry in dashboard.listing.entries:
            select = partial(dashboard.table.select, entry.entry_id)
            yield SystemCommand("Credential", entry.title, select, discover=False)


async def _run_scenario(app: AuthlensApp, start: Callable[[], object]) -> None:
    if app.screen is not app.workspace.menu:
        await app.push_screen("menu")
    start()
