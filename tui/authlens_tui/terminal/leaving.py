"""The answer to ctrl+c: which keys leave, on every screen, in every dialog, whatever has the focus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from textual.keys import format_key

if TYPE_CHECKING:
    from textual.app import App
    from textual.binding import Binding
    from textual.screen import Screen

# What the app ends with where the demo is to run next.
DEMO_WANTED: Final = 1_000
# What the keys that leave are called in the configuration, after the name of their screen; the first is best.
_QUITS: Final = ("quit", "quit_now")
_GOES_BACK: Final = ("back", "cancel", "close", "leave", "no")
_ESCAPE: Final = "escape"
_TWICE_WITHIN: Final = 2.5  # seconds between two presses of ctrl+c that mean: quit; time to read the answer


class InterruptAnswer:
    """The last answer to ctrl+c, as long as a second press quits."""

    def __init__(self) -> None:
        self.words = ""
        self._began = float("-inf")

    def begin(self, sentence: str) -> None:
        self.words, self._began = sentence, time.monotonic()

    @property
    def seconds_left(self) -> float:
        return max(0.0, _TWICE_WITHIN - (time.monotonic() - self._began))


def how_to_leave(app: App[Any], *, twice: bool = True) -> str:
    """Return the keys that leave this screen and the program, as they are set and as they work now.

    Args:
        twice: a second ctrl+c quits, too.
    """
    key = back_key(app.screen)
    back = f"Press {key} to go back. " if key else ""
    return f"{back}Press {'ctrl+c again, or ' if twice else ''}{quit_key(app)}{',' if twice else ''} to quit."


def quit_key(app: App[Any]) -> str:
    """Return a key that quits here: not a letter in a field; in a dialog, only a global key."""
    # Textual shows the keys of the app in a dialog nowhere else.
    always = (item for _, keys in app.screen._binding_chain for item in keys if item[1].priority)  # noqa: SLF001
    return next(_keys_of(_QUITS, [*_offered(app.screen), *always]), "ctrl+q")


def back_key(screen: Screen[Any]) -> str:
    """Return the key that leaves this screen for the one before; the empty string if there is none."""
    keys = list(_keys_of(_GOES_BACK, _offered(screen)))
    if screen.is_modal and _ESCAPE in screen.active_bindings:
        keys.append(_ESCAPE)  # a dialog of Textual's own
    if _ESCAPE in keys:
        return "esc"
    return keys[0] if keys and screen.is_modal else ""


def selected_text(app: App[Any]) -> str:
    """Return the selected text of the focused field, or else the selection of the mouse."""
    from textual.widgets import Input, TextArea  # not for the first paint: an editor takes long to load

    field = app.focused
    typed = field.selected_text if isinstance(field, (Input, TextArea)) else ""
    return typed or app.screen.get_selected_text() or ""


def _offered(screen: Screen[Any]) -> list[tuple[str, Binding]]:
    return [(key, active.binding) for key, active in screen.active_bindings.items() if active.enabled]


def _keys_of(names: Sequence[str], bindings: Sequence[tuple[str, Binding]]) -> Iterator[str]:
    for name in names:
        for key, binding in bindings:
            if binding.id is not None and binding.id.rpartition(".")[2] == name:
                yield key if key == _ESCAPE or key.startswith("ctrl+") else format_key(key)
