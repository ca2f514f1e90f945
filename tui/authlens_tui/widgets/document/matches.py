"""Where words are in a document, found without holding up the screen."""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

MAX_MATCHES: Final = 10_000
_AT_ONCE: Final = 50_000  # characters searched before others have a turn
_LINES_AT_ONCE: Final = 5_000


class Match(NamedTuple):
    """Where the words are: from `start` to `end` of line `line`."""

    line: int
    start: int
    end: int


class Matches(Struct):
    """The places that a search found, in order, one of which is current."""

    found: list[Match] = []
    place: int = -1

    @property
    def current(self) -> Match | None:
        return self.found[self.place] if self.place >= 0 else None

    def on_line(self, number: int) -> Iterator[Match]:
        for match in self.found[bisect_left(self.found, number, key=lambda match: match.line) :]:
            if match.line != number:
                return
            yield match

    def turn(self, by: int) -> Match:
        """Go `by` matches on, round and round; there has to be one."""
        self.place = (self.place + by) % len(self.found)
        return self.found[self.place]

    def turn_from(self, line: int) -> Match:
        """Go to the first match from `line` on, round and round; there has to be one."""
        # The one before it, which may be -1: the turn then leads to the first.
        self.place = bisect_left(self.found, line, key=lambda match: match.line) - 1
        return self.turn(1)


async def find(texts: Sequence[str], words: str) -> list[Match]:
    """Return where `words` are in `texts`, in either case; at most 10,000 places.

    Gives everything else in the event loop a turn every few milliseconds, and can be cancelled there.
    """
    found: list[Match] = []
    if not words:
        return found
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    budget = _AT_ONCE
    for number, text in enumerate(texts):
        for span in pattern.finditer(text):
            found.append(Match(number, span.start(), span.end()))
            if len(found) == MAX_MATCHES:
                return found
        budget -= len(text) + _AT_ONCE // _LINES_AT_ONCE
        if budget <= 0:
            budget = _AT_ONCE
            # Lets keys and paints in between: a document may have a megabyte.
            await asyncio.sleep(0)
    return found
