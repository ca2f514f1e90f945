"""The keys of a stage's view, whatever screen it is in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual.binding import Binding, BindingType

from authlens_tui.widgets.key_binding import keys

RECORD_KEYS: Final[list[BindingType]] = keys("record")
_EVERYWHERE: Final = frozenset({"search", "raw", "tab", "turn_to"})


def _handed_on(key: Binding) -> Binding:
    name, _, given = key.action.rstrip(")").partition("(")
    return replace(key, action=f"in_record('{name}'{given and f', {given}'})", show=False)


KEYS_AROUND: Final[list[BindingType]] = [
    _handed_on(key)
    for key in RECORD_KEYS
    if isinstance(key, Binding) and key.action.partition("(")[0] in _EVERYWHERE
]
"""Some of them, by the same identifiers, for what is around the view: they hand on to its `in_record`."""
