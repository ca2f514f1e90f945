"""A key means the same wherever it works; dialogs, whose keys are answers, are left out."""

from __future__ import annotations

import importlib
import pkgutil
from collections import defaultdict
from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen

import authlens_tui

# What a key does in a login is not what it does to a credential of the dashboard.
_TWO_MEANINGS: Final = frozenset("dnprsvu,")
_SAME: Final = (
    {"Back", "Scenarios", "Undo stage", "Back, Done"},
    {"Copy", "Copy token", "Copy link"},
    {"Back", "Back, Done", "Done"},
    {"Edit", "Edit token"},
    {"New sign-in", "Retry", "Log in", "Try again"},
    {"Other port", "Switch account"},
    {"Filter", "Find", "Search"},
    {"All", "All or one", "Fold all"},
    {"Add 5 min", "Faster"},
    {"Learn", "Back"},
    {"Hint", "Problems"},
)


def test_a_letter_has_one_meaning_outside_dialogs() -> None:
    meanings = defaultdict(set)
    for module in pkgutil.walk_packages(authlens_tui.__path__, "authlens_tui."):
        if module.name.endswith("__main__"):
            continue
        for node in vars(importlib.import_module(module.name)).values():
            if not isinstance(node, type) or not issubclass(node, DOMNode) or issubclass(node, ModalScreen):
                continue
            for binding in vars(node).get("BINDINGS", ()) if node.__module__ == module.name else ():
                if isinstance(binding, Binding):
                    for key in binding.key.split(","):
                        meanings[binding.key_display or key].add(binding.description)
    odd = {
        key: names
        for key, names in meanings.items()
        if key.isascii() and len(key) == 1 and key not in _TWO_MEANINGS and len(names) > 1
    }
    assert {key: names for key, names in odd.items() if not any(names <= same for same in _SAME)} == {}
