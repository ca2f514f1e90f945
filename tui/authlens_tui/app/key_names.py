"""The names of all keys, for a user's own keymap."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Mapping
from importlib import import_module

from textual.binding import Binding
from textual.dom import DOMNode

import authlens_tui.app
import authlens_tui.screens
import authlens_tui.widgets

_ROOMS = (authlens_tui.app, authlens_tui.screens, authlens_tui.widgets)


def key_names() -> Mapping[str, Binding]:
    """Return every binding that has a name, by it. This loads every screen."""
    by_name: dict[str, Binding] = {}
    for room in _ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                # A class is a member of every module that imports it; it counts in its own.
                if issubclass(kind, DOMNode) and kind.__module__ == module.name:
                    bindings = (binding for binding in kind.BINDINGS if isinstance(binding, Binding))
                    by_name |= {binding.id: binding for binding in bindings if binding.id}
    return dict(sorted(by_name.items()))
