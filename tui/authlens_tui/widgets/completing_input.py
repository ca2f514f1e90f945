"""A field of a filter that offers how its last word goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from textual.suggester import Suggester
from textual.widgets import Input

from authlens_tui.widgets.key_binding import ActionChecks, keys

Candidates = Callable[[str], Iterable[str]]
"""Returns the words that may come next, given the text before the current word."""

_LAST_WORD: Final = re.compile(r"[^\s()!&|]*\Z")


class CompletingInput(ActionChecks, Input):
    """Shows the rest of the first word that starts as the last one typed; → or Tab takes it."""

    BINDINGS = keys("field")

    def __init__(
        self,
        placeholder: str,
        candidates: Candidates,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        compact: bool = False,
    ) -> None:
        super().__init__(placeholder=placeholder, suggester=_NextWord(candidates), id=id, compact=compact)

    def watch__suggestion(self) -> None:
        self.refresh_bindings()

    def action_complete(self) -> None:
        self.action_cursor_right()

    def can_complete(self) -> bool:
        # Without a suggestion, Tab goes to the next part of the screen.
        return self.cursor_at_end and bool(self._suggestion)


class _NextWord(Suggester):
    def __init__(self, candidates: Candidates) -> None:
        # What there is to offer changes with what is on the screen.
        super().__init__(use_cache=False, case_sensitive=True)
        self._candidates = candidates

    async def get_suggestion(self, value: str) -> str | None:
        last = _LAST_WORD.search(value)
        typed = last[0] if last is not None else ""
        before = value.removesuffix(typed)
        start = typed.casefold()
        longer = (word for word in self._candidates(before) if len(word) > len(typed))
        word = next((word for word in longer if word.casefold().startswith(start)), None)
        return None if word is None or (not typed and not before) else value + word[len(typed) :]
