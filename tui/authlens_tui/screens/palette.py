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

    scope: BindingScope
    keys: str
    name: str
    meaning: str
    action: str
    node: DOMNode

    async def do(self) -> None:
        if isinstance(self.node, Widget) and self.scope is BindingScope.ELSEWHERE:
            self.node.focus()
        await self.node.app.run_action(self.action, self.node)


def possible_actions(screen: Screen[Any]) -> tuple[PaletteEntry, ...]:
    """Return what can be done on `screen` now, each once, those of the screen first.

    Only bindings with a tooltip count: the others move a cursor or scroll, and explain themselves.
    """
    same_action: dict[tuple[int, str], list[tuple[BindingScope, Binding, DOMNode]]] = {}
    for scope, binding, node in _bindings(screen):
        # The palette is where these are offered.
        if binding.tooltip and binding.description and binding.action not in _PALETTE:
            same_action.setdefault((id(node), binding.action), []).append((scope, binding, node))
    app = screen.app
    listed = []
    for same in same_action.values():
        scope, first, node = same[0]
        keys = " ".join(dict.fromkeys(app.get_key_display(binding) for _, binding, _ in same))
        listed.append(PaletteEntry(scope, keys, first.description, first.tooltip, first.action, node))
    return tuple(sorted(listed, key=lambda entry: list(BindingScope).index(entry.scope)))


def _bindings(screen: Screen[Any]) -> Iterable[tuple[BindingScope, Binding, DOMNode]]:
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled:
            yield _scope(node, screen), binding, node
    seen = {type(node) for node, *_ in screen.active_bindings.values()}
    for widget in screen.focus_chain:
        if type(widget) in seen:
            continue  # one of several alike is enough
        seen.add(type(widget))
        for _, binding in widget._bindings:  # noqa: SLF001 - Textual tells only what the focus leads to
            if widget.check_action(binding.action.partition("(")[0], ()):
                yield BindingScope.ELSEWHERE, binding, widget


def _scope(node: DOMNode, screen: Screen[Any]) -> BindingScope:
    if node is screen:
        return BindingScope.SCREEN
    return BindingScope.EVERYWHERE if node is screen.app else BindingScope.FOCUS


class Actions(Provider):
    """Finds what can be done on the screen under the palette by any word of its name or its meaning."""

    async def discover(self) -> Hits:
        for action in possible_actions(self.screen):
            words = f"{action.name}: {action.meaning}"
            yield DiscoveryHit(_line(Content(words), action.keys), partial(action.do), text=words)

    async def search(self, query: str) -> Hits:
        """Offer what the words name; whole words come before scattered letters."""
        matcher = self.matcher(query)
        wanted = query.casefold().split()
        for action in possible_actions(self.screen):
            words = f"{action.name}: {action.meaning}"
            # Textual matches letters in order, however far apart; a whole word is more likely what was
            # meant.
            score = matcher.match(words)
            if wanted and all(word in words.casefold() for word in wanted):
                score = 2.0 if words.casefold().startswith(wanted[0]) else 1.0
            if score > 0:
                yield Hit(
                    score,
                    _line(Content.of(matcher.highlight(words)), action.keys),
                    partial(action.do),
                    text=words,
                )


def _line(words: Content, keys: str) -> Content:
    return Content.assemble(words, "  ", (keys, "$quiet"))
