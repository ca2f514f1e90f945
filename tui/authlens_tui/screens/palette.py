"""Everything that can be done on a screen now, from its bindings: for the command palette and the help."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import partial
from typing import Any, Final

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from authlens_core.values.quick_dataclass import dataclass
from authlens_tui.terminal.content import Content

_PALETTE: Final = frozenset({"command_palette", "app.command_palette"})


class BindingScope(StrEnum):
    """Where a key works. The value is the heading over such keys."""

    SCREEN = "On this screen"
    FOCUS = "In the focused part"
    ELSEWHERE = "In other parts (Tab moves there)"
    EVERYWHERE = "Everywhere"


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """Something that can be done now, with its tooltip as the meaning."""

    place: BindingScope
    keys: str
    name: str
    meaning: str
    action: str
    node: DOMNode

    async def do(self) -> None:
        if isinstance(self.node, Widget) and self.place is BindingScope.ELSEWHERE:
            self.node.focus()
        await self.node.app.run_action(self.action, self.node)


def possible_actions(screen: Screen[Any]) -> tuple[PaletteEntry, ...]:
    """Return what can be done on `screen` now, each once, those of the screen first.

    Only bindings with a tooltip count: the others move a cursor or scroll, and explain themselves.
    """
    found: dict[tuple[int, str], list[tuple[BindingScope, Binding, DOMNode]]] = {}
    for place, binding, node in _bindings(screen):
        # The palette is where these are offered.
        if binding.tooltip and binding.description and binding.action not in _PALETTE:
            found.setdefault((id(node), binding.action), []).append((place, binding, node))
    app = screen.app
    listed = []
    for same in found.values():
        place, first, node = same[0]
        keys = " ".join(dict.fromkeys(app.get_key_display(binding) for _, binding, _ in same))
        listed.append(PaletteEntry(place, keys, first.description, first.tooltip, first.action, node))
    return tuple(sorted(listed, key=lambda one: list(BindingScope).index(one.place)))


def _bindings(screen: Screen[Any]) -> Iterable[tuple[BindingScope, Binding, DOMNode]]:
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled:
            yield _place(node, screen), binding, node
    seen = {type(node) for node, *_ in screen.active_bindings.values()}
    for widget in screen.focus_chain:
        if type(widget) in seen:
            continue  # one of several alike is enough
        seen.add(type(widget))
        for _, binding in widget._bindings:  # noqa: SLF001 - Textual tells only what the focus leads to
            if widget.check_action(binding.action.partition("(")[0], ()):
                yield BindingScope.ELSEWHERE, binding, widget


def _place(node: DOMNode, screen: Screen[Any]) -> BindingScope:
    if node is screen:
        return BindingScope.SCREEN
    return BindingScope.EVERYWHERE if node is screen.app else BindingScope.FOCUS


class Actions(Provider):
    """Finds what can be done on the screen under the palette by any word of its name or its meaning."""

    async def discover(self) -> Hits:
        for one in possible_actions(self.screen):
            words = f"{one.name}: {one.meaning}"
            yield DiscoveryHit(_line(Content(words), one.keys), partial(one.do), text=words)

    async def search(self, query: str) -> Hits:
        """Offer what the words name; whole words come before scattered letters."""
        matcher = self.matcher(query)
        wanted = query.casefold().split()
        for one in possible_actions(self.screen):
            words = f"{one.name}: {one.meaning}"
            # Textual matches letters in order, however far apart; a whole word is more likely what was
            # meant.
            score = matcher.match(words)
            if wanted and all(word in words.casefold() for word in wanted):
                score = 2.0 if words.casefold().startswith(wanted[0]) else 1.0
            if score > 0:
                yield Hit(
                    score, _line(Content.of(matcher.highlight(words)), one.keys), partial(one.do), text=words
                )


def _line(words: Content, keys: str) -> Content:
    return Content.assemble(words, "  ", (keys, "$quiet"))
