"""A key means the same on every screen: the labels of all its bindings share a word."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Final

from textual.binding import Binding
from textual.dom import DOMNode

import authlens_tui
from authlens_tui.app.base_app import key_names

# Keys that act on what has the focus, move in it, or leave it. A digit stands for what has that number.
_OPERATE: Final = re.compile(r"escape|(shift\+)?enter|space|tab|up|down|left|right|home|end|page(up|down)|\d")
# A dialog also closes with the key that opened it, and a view of a login with the key that leaves the login.
_CLOSES: Final = {
    "events.back": "wizard.dashboard",
    "help.close": "app.help",
    "lesson.close": "wizard.lesson",
    "owner.back": "wizard.owner",
    "qr.close": "link.qr",
    "reveal.close": "dashboard.reveal",
    "settings.close": "dashboard.settings",
    "trace.back": "wizard.dashboard",
    "what_if.close": "wizard.what_if",
}


def _bindings() -> Iterator[Binding]:
    for module in pkgutil.walk_packages(authlens_tui.__path__, "authlens_tui."):
        if module.name.endswith("__main__"):
            continue
        for _, node in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(node, DOMNode) and node.__module__ == module.name:
                yield from (each for each in vars(node).get("BINDINGS", ()) if isinstance(each, Binding))


def _keys(binding: Binding) -> set[str]:
    return {key for key in binding.key.split(",") if not _OPERATE.fullmatch(key)}


def _answers(binding: Binding) -> bool:
    """Say whether it is one of the answers that a question names: n for no, or the letter itself."""
    return binding.id == "confirm.no" or binding.description == binding.key


def _with_two_meanings(bindings: Iterable[Binding]) -> dict[str, set[str]]:
    """Return the labels of each key whose bindings have no word in common."""
    labels = defaultdict(set)
    for binding in bindings:
        if binding.description and binding.id not in _CLOSES and not _answers(binding):
            for key in _keys(binding):
                labels[key].add(binding.description)
    words = {key: [set(re.findall(r"\w+", label.lower())) for label in labels[key]] for key in labels}
    return {key: labels[key] for key in labels if not set.intersection(*words[key])}


def test_a_key_has_one_meaning_on_every_screen() -> None:
    found = list(_bindings())
    assert {binding.id for binding in found if binding.id} == set(key_names())
    assert _with_two_meanings(found) == {}


def test_a_key_with_another_meaning_is_noticed() -> None:
    other = Binding("r", "undo", "Undo", id="other.key")
    assert _with_two_meanings([*_bindings(), other]) == {"r": {"Refresh", "Undo"}}


def test_a_dialog_closes_with_the_key_that_opened_it() -> None:
    keys = {name: _keys(binding) for name, binding in key_names().items()}
    assert {close: keys[close] for close in _CLOSES} == {close: keys[key] for close, key in _CLOSES.items()}
