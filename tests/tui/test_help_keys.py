"""Each key that a help text names is bound there, and means the same on every screen."""

import inspect
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Final

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen

import authlens_tui
from authlens_core.values.word_files import words
from authlens_tui.app.authlens_app import AuthlensApp
from authlens_tui.app.base_app import key_names
from authlens_tui.screens.dashboard.access_events import EventsScreen
from authlens_tui.screens.help import help_of

# A key at the beginning of a clause, perhaps another one, and what they do: a verb in the third person.
_CLAUSE: Final = re.compile(
    r"(?:^|(?<=[,.;:] )|(?<=\band ))"
    r"(\^\w|[Cc]trl\+\w|[^\s\w]|\b[A-Za-z]\b|Enter|Esc|space)(?:,? (?:and|or) (\S|Esc))? "
    r"(?!is\b)([a-z]+s\b[^,.;:]*|turn [^,.;:]*)"
)
_NAMES: Final = {
    "!": "exclamation_mark",
    "*": "asterisk",
    "+": "plus",
    "-": "minus",
    "/": "slash",
    "=": "equals_sign",
    ".": "full_stop",
    ",": "comma",
    ":": "colon",
    ">": "greater_than_sign",
    "<": "less_than_sign",
    "→": "right",
    "↓": "down",
    "Esc": "escape",
    "Enter": "enter",
    "space": "space",
}
_FROM_TEXTUAL: Final = frozenset({"enter", "right"})  # of lists, tables and fields


def classes() -> list[type[DOMNode]]:
    """Return the classes of authlens that have a help text or keys."""
    found = {
        kind: None
        for module in pkgutil.walk_packages(authlens_tui.__path__, "authlens_tui.")
        if not module.name.endswith("__main__")
        for _, kind in inspect.getmembers(import_module(module.name), inspect.isclass)
        if issubclass(kind, DOMNode) and kind.__module__.startswith("authlens_tui.")
    }
    return list(found)


def bindings_of(kind: type[DOMNode]) -> Iterator[Binding]:
    for base in kind.__mro__:
        for given in base.__dict__.get("BINDINGS", ()):
            yield from Binding.make_bindings([given])


def named(help_text: str) -> Iterator[tuple[str, str]]:
    for clause in _CLAUSE.finditer(help_text):
        for key in filter(None, clause.group(1, 2)):
            yield _NAMES.get(key, key.lower().replace("^", "ctrl+") if len(key) > 1 else key), clause.group(3)


def stems(text: str) -> set[str]:
    return {word[:3] for word in re.findall(r"[a-z]{3,}", text.lower())}


def wrong(kind: type[DOMNode], help_text: str, others: list[Binding]) -> list[str]:
    """Return what a help text says of keys that is not so.

    Args:
        others: the bindings of the screens that a widget may be on.
    """
    bound = [*bindings_of(kind), *bindings_of(AuthlensApp), *bindings_of(Screen), *bindings_of(App)]
    found = []
    for key, said in named(help_text):
        meant = [
            f"{binding.description} {binding.tooltip} {binding.action}"
            for binding in (*bound, *(() if issubclass(kind, Screen) else others))
            if binding.key == key
        ]
        if not any(stems(said) & stems(words) for words in meant) and not (
            not meant and key in _FROM_TEXTUAL
        ):
            found.append(f"{kind.__name__}: {key} {said}, but it is {meant or 'not bound'}")
    return found


@pytest.mark.slow
def test_each_key_in_a_help_text_does_what_the_text_says() -> None:
    kinds = classes()
    on_screens = [one for kind in kinds if issubclass(kind, Screen) for one in bindings_of(kind)]
    said = words("help")["screens"].keys()
    assert said <= {kind.__name__ for kind in kinds}
    texts = [(kind, help_of(kind)) for kind in kinds if "HELP" in vars(kind) or kind.__name__ in said]
    assert sum(1 for _, text in texts for _ in named(text)) > 25
    assert [one for kind, text in texts for one in wrong(kind, text, on_screens)] == []


def test_a_help_text_with_the_key_of_something_else_is_noticed() -> None:
    """A text once named a key for a filter that opened a search."""
    assert wrong(EventsScreen, "Every login. m writes a file.", []) == []
    assert wrong(EventsScreen, "Every login. m opens the filter.", []) != []


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
