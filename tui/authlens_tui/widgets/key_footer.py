"""The footer: the keys of the moment, as many as the line holds, and always the one for help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey, FooterLabel

__all__ = ["KeyFooter"]

Keys: TypeAlias = tuple[tuple[str, str, bool, str], ...]
"""Key, words, whether it can be pressed, and what it says under the mouse."""

_HELP: Final = frozenset({"help", "app.help"})
_PALETTE: Final = "-command-palette"
_BORDER: Final = 1
_SIGN: Final = 2  # cells of the sign for keys that are left out


class KeyFooter(Footer):
    """Textual's footer, closer together where it must be.

    Too many keys for the line first cost the name of the command palette, then the space between them, and
    then those that come last. The key for help stays, because it tells all the others.
    """

    def compose(self) -> ComposeResult:
        """Yield the keys that fit."""
        self._drawn = self._keys() if self._bindings_ready else None
        found = [widget for widget in super().compose() if isinstance(widget, FooterKey)]
        room = self._room().width
        palette = [key for key in found if key.has_class(_PALETTE)]
        keys = [key for key in found if not key.has_class(_PALETTE)]
        fits_all = _needed(found, compact=False) + _BORDER <= room
        self.set_reactive(Footer.compact, not fits_all and _needed(keys, compact=False) > room)
        self.set_class(self.compact, "-compact")
        yield from _fitting(keys, room, compact=self.compact)
        yield from palette if fits_all else ()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the keys to the new width."""
        if event.size.width != self._seen.width:
            self._seen = event.size
            self.call_after_refresh(self.recompose)

    def bindings_changed(self, screen: Screen[Any]) -> None:
        """Draw again only if the keys are other ones: a login announces them at each event."""
        if self._drawn is None or screen is not self.screen or self._keys() != self._drawn:
            super().bindings_changed(screen)

    def _keys(self) -> Keys:
        return tuple(
            (active.binding.key, active.binding.description, active.enabled, active.tooltip)
            for active in self.screen.active_bindings.values()
            if active.binding.show
        )

    _seen: Size = Size()
    _drawn: Keys | None = None

    def _room(self) -> Size:
        return self.size if self.size.width else self.app.size


def _fitting(keys: Sequence[FooterKey], room: int, *, compact: bool) -> list[Widget]:
    """Leave keys out from the end, though not the one for help, until the rest fits in `room` cells.

    Where some are left out, a sign says so.
    """
    kept: list[FooterKey] = list(keys)
    while len(kept) > 1 and _needed(kept, compact=compact) > room - (0 if len(kept) == len(keys) else _SIGN):
        kept.pop(next(at for at in reversed(range(len(kept))) if kept[at].action not in _HELP))
    shown: list[Widget] = list(kept)
    if len(kept) < len(keys):
        shown.insert(len(kept) - 1, FooterLabel("… "))
    return shown


def _needed(keys: Sequence[FooterKey], *, compact: bool) -> int:
    """Return the cells that the keys take: two words, what is around them, and what is between them."""
    around = 1 if compact else 3
    between = len(keys) - 1 if compact else 0
    return sum(len(key.key_display) + len(key.description) + around for key in keys) + between
