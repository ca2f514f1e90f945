"""A search in a document that does not block the screen."""

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
    """One match: from `start` to `end` of line `line`."""

    line: int
    start: int
    end: int


class Matches(Struct):
    """The places that a search found, in order, one of which is current."""

    hits: list[Match] = []
    index: int = -1

    @property
    def current(self) -> Match | None:
        return self.hits[self.index] if self.index >= 0 else None

    def on_line(self, number: int) -> Iterator[Match]:
        for match in self.hits[bisect_left(self.hits, number, key=lambda match: match.line) :]:
            if match.line != number:
                return
            yield match

    def turn(self, by: int) -> Match:
        """Move by `by` matches, wrapping around; needs at least one match."""
        self.index = (self.index + by) % len(self.hits)
        return self.hits[self.index]

    def turn_from(self, line: int) -> Match:
        """Move to the first match from `line` on, wrapping around; needs at least one match."""
        # The one before it, which may be -1: the turn then leads to the first.
        self.index = bisect_left(self.hits, line, key=lambda match: match.line) - 1
        return self.turn(1)


async def find(texts: Sequence[str], phrase: str) -> list[Match]:
    """Return the matches of `phrase` in `texts`, ignoring case; at most 10,000.

    Gives everything else in the event loop a turn every few milliseconds, and can be cancelled there.
    """
    hits: list[Match] = []
    if not phrase:
        return hits
    pattern = re.compile(re.escape(phrase), re.IGNORECASE)
    budget = _AT_ONCE
    for number, text in enumerate(texts):
        for span in pattern.finditer(text):
            hits.append(Match(number, span.start(), span.end()))
            if len(hits) == MAX_MATCHES:
                return hits
        budget -= len(text) + _AT_ONCE // _LINES_AT_ONCE
        if budget <= 0:
            budget = _AT_ONCE
            # Lets keys and paints in between: a document may have a megabyte.
            await asyncio.sleep(0)
    return hits
