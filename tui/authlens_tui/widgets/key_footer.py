"""The footer: the keys of the moment, as many as the line holds, and always the one for help.

One widget draws the whole line. Textual's footer has a widget for each key and makes all of them again at
each change, which takes longer than everything else that an event of a login changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

_HELP: Final = frozenset({"help", "app.help"})
_MORE: Final = "… "  # says that keys are left out
_EDGE: Final = "▏"  # what sets the command palette apart


class FooterEntry(NamedTuple):
    """A key: its name for Textual, how it is written, what it does, and whether it does so now."""

    key: str
    display: str
    description: str
    action: str
    enabled: bool
    tooltip: str

    def text(self, *, compact: bool) -> tuple[str, str]:
        return (
            (self.display, f" {self.description}")
            if compact
            else (f" {self.display} ", f"{self.description} ")
        )


class KeyFooter(Widget):
    """The keys of the screen, closer together where they must be.

    Too many keys for the line first cost the name of the command palette, then the space between them, and
    then those that come last. The key for help stays, because it tells all the others.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *("key-footer--key", "key-footer--description", "key-footer--edge", "key-footer--hover"),
    }
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom; height: 1;
        color: $footer-foreground; background: $footer-background;
        .key-footer--key {
            color: $footer-key-foreground; background: $footer-key-background; text-style: bold;
        }
        .key-footer--description {
            color: $footer-description-foreground; background: $footer-description-background;
        }
        .key-footer--edge { color: $foreground 20%; background: $footer-background; }
        .key-footer--hover { color: $footer-key-foreground; background: $block-hover-background; }
    }
    """

    _entries: tuple[FooterEntry, ...] = ()
    _palette: FooterEntry | None = None
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
        entries, palette = self._current()
        if (entries, palette) != (self._entries, self._palette):
            self._entries, self._palette = entries, palette
            self.refresh()

    def _current(self) -> tuple[tuple[FooterEntry, ...], FooterEntry | None]:
        entries: dict[str, FooterEntry] = {}
        palette = None
        for key, (_, binding, enabled, tooltip) in self.screen.active_bindings.items():
            entry = FooterEntry(
                *(binding.key, self.app.get_key_display(binding), binding.description, binding.action),
                enabled,
                tooltip or binding.tooltip,
            )
            if binding.show:
                entries.setdefault(binding.action, entry)
            if key == self.app.COMMAND_PALETTE_BINDING and self.app.ENABLE_COMMAND_PALETTE:
                palette = entry
        return tuple(entries.values()), palette

    # -- what is drawn ---------------------------------------------------------------------------------

    def _shown(self) -> tuple[list[FooterEntry | None], bool, FooterEntry | None]:
        """Return the keys that fit, with None for those left out; whether they are compact; the palette."""
        room = self.size.width
        with_palette = 0 if self._palette is None else _needed([self._palette], compact=False) + len(_EDGE)
        needed = _needed(self._entries, compact=False)
        compact = needed > room
        palette = self._palette if needed + with_palette <= room else None
        return _fitting(self._entries, room - compact, compact=compact), compact, palette

    def _pieces(self) -> Iterator[tuple[FooterEntry | None, tuple[Segment, ...]]]:
        """Yield what the line has from left to right: an entry or None, and how it is drawn."""
        shown, compact, palette = self._shown()
        plain = Style(bgcolor=self.rich_style.bgcolor)
        if compact:
            yield None, (Segment(" ", plain),)
        for entry in shown:
            if entry is None:
                yield None, (Segment(_MORE, self._style("description")),)
                continue
            yield entry, self._drawn(entry, compact=compact)
            if compact:
                yield None, (Segment(" ", plain),)
        if palette is not None:
            last = (*self._drawn(palette, compact=True), Segment(" ", plain))
            taken = sum(_needed([entry], compact=False) for entry in shown if entry is not None)
            edge = Segment(_EDGE, self._style("edge"))
            gap = self.size.width - taken - len(_EDGE) - sum(len(entry.text) for entry in last)
            yield None, (Segment(" " * gap, plain), edge)
            yield palette, last

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

    def _at(self, column: int) -> FooterEntry | None:
        for entry, piece in self._pieces():
            column -= sum(segment.cell_length for segment in piece)
            if column < 0:
                return entry
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point_at(self._at(event.x))

    def on_leave(self) -> None:
        self._point_at(None)

    def _point_at(self, entry: FooterEntry | None) -> None:
        if entry != self._under_mouse:
            self._under_mouse = entry
            self.tooltip = entry.tooltip if entry is not None else None
            self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        entry = self._at(event.x)
        if entry is not None and entry.enabled:
            # As if the key had been pressed: the widget with the focus may have it, and not the screen.
            self.app.simulate_key(entry.key)
        elif entry is not None:
            self.app.bell()


def _fitting(keys: Sequence[FooterEntry], room: int, *, compact: bool) -> list[FooterEntry | None]:
    """Leave keys out from the end, though not the one for help, until the rest fits in `room` cells.

    Where some are left out, a sign says so.
    """
    kept = list(keys)
    while len(kept) > 1 and _needed(kept, compact=compact) > room - (
        0 if len(kept) == len(keys) else len(_MORE)
    ):
        kept.pop(next(at for at in reversed(range(len(kept))) if kept[at].action not in _HELP))
    shown: list[FooterEntry | None] = list(kept)
    if len(kept) < len(keys):
        # Before the last one, which is the key for help.
        shown.insert(len(kept) - 1, None)
    return shown


def _needed(keys: Sequence[FooterEntry], *, compact: bool) -> int:
    """Return the cells that the keys take: two words, what is around them, and what is between them."""
    around = 1 if compact else 3
    between = len(keys) - 1 if compact else 0
    return sum(len(key.display) + len(key.description) + around for key in keys) + between
