"""Where words stand in a document, found without holding up the screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_MATCHES", "Match", "find"]

MAX_MATCHES: Final = 10_000
_AT_ONCE: Final = 50_000  # characters searched before others have a turn
_LINES_AT_ONCE: Final = 5_000


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
