"""Everything that can be done on a screen now, from its bindings: for the command palette and the help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon
from textual.dom import DOMNode
from textual.fuzzy import FuzzySearch
from textual.screen import Screen
from textual.widget import Widget

from authlens_tui.terminal.content import Content

_SEARCH: Final = "Search actions and credentials…"
_NAMES, _KEYS = 16, 6  # cells of the first and the last column
_AROUND: Final = 4  # cells of a row that are padding or a scroll bar
_PALETTE: Final = frozenset({"command_palette", "app.command_palette"})


class BindingScope(StrEnum):
    """The scope of a key. The value is the heading over such keys."""

    SCREEN = "On this screen"
    FOCUS = "In the focused part"
    ELSEWHERE = "In other parts (Tab moves there)"
    EVERYWHERE = "Everywhere"


class PaletteEntry(NamedTuple):
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
    """Return the actions that are possible on `screen` now, each once, those of the screen first.

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
        listed.append(
            PaletteEntry(
                scope, keys, first.description, meaning=first.tooltip, action=first.action, node=node
            )
        )
    return tuple(sorted(listed, key=lambda entry: list(BindingScope).index(entry.scope)))


def _bindings(screen: Screen[Any]) -> Iterable[tuple[BindingScope, Binding, DOMNode]]:
    for node, binding, enabled, _ in screen.active_bindings.values():
        if enabled:
            yield _scope(node, screen), binding, node
    kinds = {type(node) for node, *_ in screen.active_bindings.values()}
    for widget in screen.focus_chain:
        if type(widget) in kinds:
            continue  # one of several alike is enough
        kinds.add(type(widget))
        for _, binding in widget._bindings:  # noqa: SLF001 - Textual tells only what the focus leads to
            if widget.check_action(binding.action.partition("(")[0], ()):
                yield BindingScope.ELSEWHERE, binding, widget


def _scope(node: DOMNode, screen: Screen[Any]) -> BindingScope:
    if node is screen:
        return BindingScope.SCREEN
    return BindingScope.EVERYWHERE if node is screen.app else BindingScope.FOCUS


class Palette(CommandPalette):
    """Textual's palette with three columns: what can be done, what that means, and its key."""

    # Textual gives no other place for these: the search icon is an emoji, of a width that terminals dispute.
    DEFAULT_CSS = """
    Palette {
        #--container { width: 70%; min-width: 60; max-width: 100%; }
        CommandList { scrollbar-size-vertical: 1; }
        CommandList > .option-list--option { text-style: none; padding: 0 1; }
        CommandList > .option-list--option-highlighted { text-style: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__(placeholder=_SEARCH, id="--command-palette")

    def on_mount(self) -> None:
        self.query_one(SearchIcon).icon = "❯"


class Actions(Provider):
    """Finds what can be done on the screen under the palette, and what the app offers by name."""

    async def discover(self) -> Hits:
        for offer in self._offers():
            if offer.at_once:
                yield DiscoveryHit(self._columns(offer, ()), offer.do, text=offer.words)

    async def search(self, query: str) -> Hits:
        """Offer what the words name; whole words come before scattered letters."""
        fuzzy, terms = FuzzySearch(), query.casefold().split()
        for offer in self._offers():
            relevance, offsets = fuzzy.match(query, offer.words)
            # Letters in order, however far apart, count less than a whole word, which is more likely meant.
            score = relevance / (1 + relevance)
            if terms and all(word in offer.words.casefold() for word in terms):
                score = 2.0 if offer.words.casefold().startswith(terms[0]) else 1.0
            if score > 0:
                yield Hit(score, self._columns(offer, offsets), offer.do, text=offer.words)

    def _offers(self) -> Iterator[_Offer]:
        for action in possible_actions(self.screen):
            yield _Offer(*in_words(action.name, action.meaning), action.keys, action.do)
        for title, meaning, run, at_once in self.app.get_system_commands(self.screen):
            yield _Offer(title, meaning, "", run, at_once=at_once)

    def _columns(self, offer: _Offer, offsets: Sequence[int]) -> Content:
        """Return a row, with the letters that were found in it marked."""
        room = palette_width(self.app.size.width)
        highlight = self.match_style or "underline"
        name, meaning = Content.styled(offer.name, "bold"), Content(offer.meaning)
        for offset in offsets:
            position = offset - len(offer.name) - 1
            if position < 0:
                name = Content.of(name.stylize(highlight, offset, offset + 1))
            else:
                meaning = Content.of(meaning.stylize(highlight, position, position + 1))
        key_room = max(_KEYS, cell_len(offer.keys))
        parts = (
            name.truncate(_NAMES, ellipsis=True, pad=True),
            meaning.truncate(max(8, room - _NAMES - key_room - 2), ellipsis=True, pad=True),
            Content.styled(f"{offer.keys:>{key_room}}", "$text-accent"),
        )
        return Content(" ").join(parts)


class _Offer(NamedTuple):
    """A row of the palette; one that is not shown `at_once` has to be looked for."""

    name: str
    meaning: str
    keys: str
    do: Callable[[], object]
    at_once: bool = True

    @property
    def words(self) -> str:
        return f"{self.name} {self.meaning}"


def in_words(name: str, meaning: str) -> tuple[str, str]:
    """Return a name and its meaning without repetition: `Revoke`, `At the server`."""
    start, space, tail = meaning[: len(name)], meaning[len(name) : len(name) + 1], meaning[len(name) + 1 :]
    if start.casefold() != name.casefold() or space not in ("", " "):
        return name, meaning
    return (name, f"{tail[:1].upper()}{tail[1:]}") if " " in tail else (meaning, "")


def palette_width(screen: int) -> int:
    """Return the cells of a row of the palette."""
    return min(screen, max(60, screen * 7 // 10)) - _AROUND
