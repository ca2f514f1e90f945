"""The field for the words to look for in a document, and which of the places found is shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from textual import getters, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.completing_input import CompletingInput
from authlens_tui.widgets.document.document import DocumentView
from authlens_tui.widgets.document.matches import MAX_MATCHES, Matches, find
from authlens_tui.widgets.key_binding import ActionChecks, default_css, keys

_MAX_WORDS: Final = 500  # characters
_WORD: Final = re.compile(r"[\w.:/-]{3,60}")
_MOST_LINES, _LONGEST_LINE = 500, 500  # in which words are looked for to offer them


class SearchBar(ActionChecks, Horizontal):
    """One line at the bottom: the words to look for, and which of how many places is shown."""

    DEFAULT_CSS = default_css(__file__)
    BINDINGS = keys("search")

    field = getters.query_one(Input)
    count = getters.query_one(".count", Static)

    def __init__(self, document: Callable[[], DocumentView]) -> None:
        """Search what `document` returns, the document that is shown now."""
        super().__init__()
        self._document = document

    def compose(self) -> ComposeResult:
        yield Label(Content("/"))
        field = CompletingInput("search text", self._next_words)
        field.max_length = _MAX_WORDS
        yield field
        yield Static(classes="count")

    def _next_words(self, _before: str) -> Iterable[str]:
        texts = islice(self._document().lines.texts, _MOST_LINES)
        return dict.fromkeys(word for text in texts for word in _WORD.findall(text[:_LONGEST_LINE]))

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self) -> None:
        self.add_class("-open")
        self.field.focus()

    def can_turn(self) -> bool:
        return self.is_open and self.has_focus_within

    can_close = can_turn

    def _tell(self, matches: Matches) -> None:
        """Show the number of the current match, from 1, and of all matches."""
        count = len(matches.hits)
        if not self.field.value:
            text = ""
        elif not count:
            text = "not found"
        else:
            text = f"{matches.index + 1:,} of {count:,}{'+' if count >= MAX_MATCHES else ''}"
        self.count.update(Content(text))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.search()

    @work(exclusive=True, group="search", description="search")
    async def search(self) -> None:
        """Mark where the words are, and go to the first place from what is shown on."""
        self.count.update(Content("searching …"))
        document = self._document()
        lines = document.lines
        matches = Matches(await find(lines.texts, self.field.value))
        # Another text may be shown by now, in which these places mean nothing.
        document.mark_matches(matches if lines is document.lines else Matches())
        self._tell(document.matches)

    def action_turn(self, by: int) -> None:
        document = self._document()
        if document.matches.hits:
            document.go_to(document.matches.turn(by))
        self._tell(document.matches)

    def action_close(self) -> None:
        self.remove_class("-open")
        self._document().mark_matches(Matches())
        self._document().focus()
