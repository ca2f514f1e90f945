"""Search in a document: the field for the words, and finding them without holding up the screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

__all__ = ["MAX_MATCHES", "Match", "SearchBar", "find"]

MAX_MATCHES: Final = 10_000
_AT_ONCE: Final = 100_000  # characters searched before others have a turn
_LINES_AT_ONCE: Final = 10_000
_MAX_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Match:
    """Where the words stand: from `start` to `end` of line `line`."""

    line: int
    start: int
    end: int


async def find(texts: Sequence[str], words: str) -> list[Match]:
    """Return where `words` stand in `texts`, in either case; at most 10,000 places.

    Gives everything else in the event loop a turn every few milliseconds, and can be cancelled there.
    """
    found: list[Match] = []
    if not words:
        return found
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    budget = _AT_ONCE
    for number, text in enumerate(texts):
        for place in pattern.finditer(text):
            found.append(Match(number, place.start(), place.end()))
            if len(found) == MAX_MATCHES:
                return found
        budget -= len(text) + _AT_ONCE // _LINES_AT_ONCE
        if budget <= 0:
            budget = _AT_ONCE
            await asyncio.sleep(0)
    return found


class SearchBar(Horizontal):
    """One line at the bottom: the words to look for, and which of how many places is shown."""

    DEFAULT_CSS = """
    SearchBar {
        display: none;
        dock: bottom;
        height: 1;
        background: $panel;
        &.-open { display: block; }
        & > Label { width: auto; padding: 0 1; color: $text-primary; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
        & > Input:focus { border: none; }
        & > Static { width: auto; padding: 0 1; color: $text-muted; }
    }
    """
    HELP = "Type what to look for. Enter goes to the next place, up to the one before, Esc closes."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,down,f3",
            "turn(1)",
            "Next match",
            key_display="⏎",
            id="search.next",
            tooltip="Go to the next place where the words stand",
            priority=True,
        ),
        Binding(
            "shift+enter,up,shift+f3",
            "turn(-1)",
            "Match before",
            key_display="↑",
            id="search.before",
            tooltip="Go to the place before",
            priority=True,
        ),
        Binding(
            "escape", "close", "Close search", id="search.close", tooltip="Close the search", priority=True
        ),
    ]

    field = getters.query_one(Input)
    count = getters.query_one(Static)

    class Wanted(Message):
        """Look for these words from here on."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Turned(Message):
        """Go to the next match, or the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Closed(Message):
        """The person is done searching."""

    def compose(self) -> ComposeResult:
        """Lay out the field and the count."""
        yield Label("/")
        yield Input(placeholder="words to look for", max_length=_MAX_WORDS, select_on_focus=True)
        yield Static(classes="count")

    @property
    def is_open(self) -> bool:
        """True while the field is shown."""
        return self.has_class("-open")

    def open(self) -> None:
        """Show the field and take the keys."""
        self.add_class("-open")
        self.field.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Take these keys only while the field has them."""
        return self.is_open and self.has_focus_within if action in ("turn", "close") else True

    def tell(self, place: int, matches: int) -> None:
        """Say which match is shown, counted from 1, and how many there are."""
        if not self.field.value:
            words = ""
        elif not matches:
            words = "not found"
        else:
            words = f"{place:,} of {matches:,}{'+' if matches >= MAX_MATCHES else ''}"
        self.count.update(Content(words))

    def tell_searching(self) -> None:
        """Say that the places are being looked for."""
        self.count.update(Content("searching …"))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Wanted(event.value))

    def action_turn(self, by: int) -> None:
        """Ask for the next match, or the one before."""
        self.post_message(self.Turned(by))

    def action_close(self) -> None:
        """Hide the field."""
        self.remove_class("-open")
        self.post_message(self.Closed())
