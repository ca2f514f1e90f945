"""Jump mode: a letter on each place of a screen that can have the focus; pressing it moves there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Click, Key, Resize
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Tab, TabbedContent, Tabs
from textual.widgets._tabbed_content import ContentTab

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

_LETTERS: Final = "asdfghjklqwertyuiopzxcvbnm"
_DIGITS: Final = "123456789"  # tabs have the digits that turn to them anyway
_ROOM: Final = 4  # cells between two letters that would be drawn on the same cell


class Place(NamedTuple):
    """Where a jump can lead.

    Attributes:
        letter: the key that leads there.
        widget: what gets the focus; a tab is turned to.
        at: where the letter is drawn.
    """

    letter: str
    widget: Widget
    at: Offset

    def go(self) -> None:
        """Move the focus there, and for a tab into what it shows."""
        if not isinstance(self.widget, Tab):
            self.widget.focus()
            return
        content = self.widget.query_ancestor(TabbedContent)
        content.active = ContentTab.sans_prefix(self.widget.id or "")
        # Until then the tab's content is hidden, and Textual focuses nothing that is hidden.
        content.call_after_refresh(_read, content)


def places_of(screen: Screen[Any]) -> tuple[Place, ...]:
    """Return where a jump on `screen` can lead, in the order of the Tab key."""
    letters, digits = iter(_LETTERS), iter(_DIGITS)
    places: dict[Offset, Place] = {}
    for widget in _targets(screen):
        letter = next(chain(digits, letters) if isinstance(widget, Tab) else letters, None)
        if letter is None:
            break
        seen = widget.region.intersection(screen.region)
        at = seen.bottom_left if isinstance(widget, Tab) else seen.offset  # under the label
        # A container and its first child may start on the same cell.
        while at in places:
            at += Offset(_ROOM, 0)
        places[at] = Place(letter, widget, at)
    return tuple(places.values())


def _targets(screen: Screen[Any]) -> Iterator[Widget]:
    for widget in screen.focus_chain:
        parts = widget.query(Tab).results(Tab) if isinstance(widget, Tabs) else (widget,)
        yield from (part for part in parts if part.region.intersection(screen.region).area)


def _read(content: TabbedContent) -> None:
    """Focus what the open tab shows, or the tabs if nothing in it takes the focus."""
    pane = content.active_pane
    inside = (widget for widget in content.screen.focus_chain if pane in widget.ancestors)
    next(inside, content.query_one(Tabs)).focus()


class _Letter(Static, can_focus=True):
    """A letter over the place that it leads to."""

    def __init__(self, place: Place) -> None:
        super().__init__(Content(f" {place.letter} "))
        self.place = place
        self.styles.offset = place.at


class JumpScreen(ModalScreen[Place | None]):
    """Shows a letter over each place; returns the one that was chosen."""

    CSS_PATH = "jump.tcss"
    BINDINGS: ClassVar[list[BindingType]] = keys("jump")

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__()
        self._places = {place.letter: place for place in places}
        self._size_now = self.app.size

    def compose(self) -> ComposeResult:
        for place in self._places.values():
            yield _Letter(place)
        yield KeyFooter()

    def on_key(self, event: Key) -> None:
        if (place := self._places.get(event.character or "")) is not None:
            event.stop()
            self.dismiss(place)

    def on_click(self, event: Click) -> None:
        """Go to the letter under the mouse; beside one, stay."""
        self.dismiss(event.widget.place if isinstance(event.widget, _Letter) else None)

    def on_resize(self, event: Resize) -> None:
        """Close on another size: the places are elsewhere then."""
        if event.size != self._size_now:
            self._size_now = event.size  # it may be reported twice
            self.dismiss(None)

    def action_go(self) -> None:
        if isinstance(self.focused, _Letter):
            self.dismiss(self.focused.place)


def jump(screen: Screen[Any]) -> None:
    """Show a letter over each place of a screen, and go to the one that is chosen."""
    places = places_of(screen)
    if places and not screen.is_modal:
        screen.app.push_screen(JumpScreen(places), lambda place: None if place is None else place.go())
