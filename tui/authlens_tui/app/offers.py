"""What has a name in the app: for the palette scenarios and credentials, for the configuration every key."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
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


def key_names() -> Mapping[str, Binding]:
    """Return every binding that has a name, by it. This loads every screen."""
    import authlens_tui.app
    import authlens_tui.screens
    import authlens_tui.widgets

    by_name: dict[str, Binding] = {}
    for room in (authlens_tui.app, authlens_tui.screens, authlens_tui.widgets):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                # A class is a member of every module that imports it; it counts in its own.
                if issubclass(kind, DOMNode) and kind.__module__ == module.name:
                    bindings = (binding for binding in kind.BINDINGS if isinstance(binding, Binding))
                    by_name |= {binding.id: binding for binding in bindings if binding.id}
    return dict(sorted(by_name.items()))
