"""The keys and styles that screens and widgets declare in files; `keys.json` has a table for each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from textual.binding import Binding, BindingType


def keys(room: str) -> list[BindingType]:
    """Return the keys of a screen or a widget, in the order of its footer.

    Args:
        room: a table of its own, or, behind a stroke, one of several that share their room's name.

    In the table each has its name in the user's configuration, such as `save` for `trace.save`; the key, the
    action, a word or two for the footer, and a short sentence for the help, the palette and the mouse. After
    those may be what else a `Binding` takes: `show` is false for a key that the footer leaves out,
    `key_display` the key as the footer shows it, where Textual would show its name, and `priority` true for
    a key that works even where a field with the focus takes it.
    """
    prefix = room.partition("/")[0]
    return [
        Binding(key, action, name, id=f"{prefix}.{known_as}", tooltip=meaning, **dict(*more))
        for known_as, (key, action, name, meaning, *more) in _table()[room].items()
    ]


def rooms() -> Iterable[str]:
    """Return the names of the tables, as `keys` takes them."""
    return _table()


@cache
def _table() -> Mapping[str, Mapping[str, list[Any]]]:
    table: Mapping[str, Mapping[str, list[Any]]] = json.loads(
        Path(__file__).with_name("keys.json").read_text(encoding="utf-8")
    )
    return table


class ActionChecks:
    """Asks `can_save`, beside `action_save`, whether the action does something now; else it always does."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return _is_possible(self, str(parameters[0]) if action == "act" else action)


def _is_possible(node: object, path: str) -> bool:
    """Return the answer of `can_NAME`; for `runner.next`, the method of a key, of `runner.can_next`."""
    if not getattr(node, "is_mounted", True):  # its parts are not there yet
        return True
    owner, _, name = path.rpartition(".")
    check = getattr(attrgetter(owner)(node) if owner else node, f"can_{name}", None)
    return check is None or check()


def default_css(module: str) -> str:
    """Return the styles of the widgets in a module, `stepper.tcss` for `stepper.py`: their `DEFAULT_CSS`."""
    return Path(module).with_suffix(".tcss").read_text(encoding="utf-8")
