"""The footer: the keys of the moment, as many as the line holds, and always help and the palette.

One widget draws the whole line. Textual's footer has a widget for each key and makes all of them again at
each change, which takes longer than everything else that an event of a login changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from authlens_tui.widgets.key_binding import default_css

_HELP: Final = frozenset({"help", "app.help"})
_MORE: Final = "… "  # says that keys are left out
_EDGE: Final = "▏"  # what sets help and the palette apart: they lead to all other keys
_NAMES_FROM: Final = 60  # cells of a line in which the two have their names


class FooterEntry(NamedTuple):
    """A key: its name for Textual, how it is written, what it does, and whether it does so now."""

    key: str
    display: str
    description: str
    action: str
    enabled: bool
    tooltip: str

    def text(self, *, compact: bool) -> tuple[str, str]:
        if not compact:
            return f" {self.display} ", f"{self.description} "
        return self.display, f" {self.description}" if self.description else ""

    def cells(self, *, compact: bool) -> int:
        """Return the cells that it takes, with the blank after it."""
        blank = 1 if compact else 0
        return sum(map(len, self.text(compact=compact))) + blank


class KeyFooter(Widget):
    """The keys of the screen, closer together where they must be; at the right, those for help and palette.

    Too many keys for the line first cost the space between them, and then those that come last.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *("key-footer--key", "key-footer--description", "key-footer--edge", "key-footer--hover"),
    }
    DEFAULT_CSS = default_css(__file__)

    _entries: tuple[FooterEntry, ...] = ()
    _fixed: tuple[FooterEntry, ...] = ()
    _under_mouse: FooterEntry | None = None
    _is_stale = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        """Ask for the keys once for several announcements: a login makes many."""
        if screen is self.screen and screen.app.app_focus and not self._is_stale:
            # Not after a refresh: Textual gives such a call to the screen on top, and a dialog that closes
            # before it is made takes it along. No later announcement would be followed either.
            self._is_stale = self.call_later(self._update)

    def _update(self) -> None:
        """Draw again only if the keys are other ones."""
        self._is_stale = False
        if not self.is_attached:
            return
        now = self._current()
        if now != (self._entries, self._fixed):
            self._entries, self._fixed = now
            self.refresh()

    def _current(self) -> tuple[tuple[FooterEntry, ...], tuple[FooterEntry, ...]]:
        entries: dict[str, FooterEntry] = {}
        fixed: dict[str, FooterEntry] = {}
        signs: set[str] = set()
        for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items():
            entry = FooterEntry(
                *(binding.key, self.app.get_key_display(binding), binding.description, binding.action),
                enabled,
                tooltip or binding.tooltip,
            )
            if entry.display in signs and binding.action not in entries:  # a nearer part has that key
                entry = entry._replace(display=self.app.get_key_display(replace(binding, key_display=None)))
            signs.add(entry.display)
            if binding.action in _HELP:
                fixed.setdefault("help", entry)
            elif binding.show:
                entries.setdefault(binding.action, entry)
            if key == self.app.COMMAND_PALETTE_BINDING and self.app.ENABLE_COMMAND_PALETTE:
                fixed["palette"] = entry
        return tuple(entries.values()), tuple(fixed[name] for name in ("help", "palette") if name in fixed)

    # -- what is drawn ---------------------------------------------------------------------------------

    def _right(self) -> tuple[FooterEntry, ...]:
        """Return help and palette, without their names on a short line."""
        if self.size.width >= _NAMES_FROM:
            return self._fixed
        return tuple(entry._replace(description="") for entry in self._fixed)

    def _pieces(self) -> Iterator[tuple[FooterEntry | None, tuple[Segment, ...]]]:
        """Yield the pieces of the line from left to right: an entry or None, and its segments."""
        right = self._right()
        edge = _EDGE if right else ""
        room = self.size.width - _needed(right, compact=True) - len(edge)
        compact = _needed(self._entries, compact=False) > room
        plain = Style(bgcolor=self.rich_style.bgcolor)
        blank = " " if compact else ""
        entries = _fitting(self._entries, room - len(blank), compact=compact)
        yield None, (Segment(blank, plain),)
        for entry in entries:
            yield entry, (*self._drawn(entry, compact=compact), Segment(blank, plain))
        used = len(blank) + _needed(entries, compact=compact)
        if len(entries) < len(self._entries):
            used += len(_MORE)
            yield None, (Segment(_MORE, self._style("description")),)
        yield None, (Segment(" " * max(0, room - used), plain), Segment(edge, self._style("edge")))
        for entry in right:
            yield entry, (*self._drawn(entry, compact=True), Segment(" ", plain))

    def _drawn(self, entry: FooterEntry, *, compact: bool) -> tuple[Segment, ...]:
        key, description = (self._style(name) for name in ("key", "description"))
        if entry == self._under_mouse and entry.enabled:
            key, description = key + self._style("hover"), description + self._style("hover")
        if not entry.enabled:
            key, description = (style + Style(dim=True) for style in (key, description))
        first, second = entry.text(compact=compact)
        return Segment(first, key), Segment(second, description)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"key-footer--{name}")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        segments = chain.from_iterable(piece for _, piece in self._pieces())
        return Strip(segments if y == 0 else ()).adjust_cell_length(width, self.rich_style)

    # -- the mouse -------------------------------------------------------------------------------------

    def _entry_at(self, column: int) -> FooterEntry | None:
        for entry, piece in self._pieces():
            column -= sum(segment.cell_length for segment in piece)
            if column < 0:
                return entry
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point_at(self._entry_at(event.x))

    def on_leave(self) -> None:
        self._point_at(None)

    def _point_at(self, entry: FooterEntry | None) -> None:
        if entry != self._under_mouse:
            self._under_mouse = entry
            self.tooltip = entry.tooltip if entry is not None else None
            self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        entry = self._entry_at(event.x)
        if entry is not None and entry.enabled:
            # As if the key had been pressed: the widget with the focus may have it, and not the screen.
            self.app.simulate_key(entry.key)
        elif entry is not None:
            self.app.bell()


def _fitting(keys: Sequence[FooterEntry], room: int, *, compact: bool) -> Sequence[FooterEntry]:
    """Leave keys out from the end until the rest, and the sign that says so, fits in `room` cells."""
    if _needed(keys, compact=compact) <= room:
        return keys
    counts = range(len(keys), 0, -1)
    fits = (count for count in counts if _needed(keys[:count], compact=compact) <= room - len(_MORE))
    return keys[: next(fits, 0)]


def _needed(keys: Sequence[FooterEntry], *, compact: bool) -> int:
    return sum(key.cells(compact=compact) for key in keys)
