"""Lines for the user that a server can cause, at most so many and so long: it may not fill a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from authlens_core.values.safe_text import safe_line

# Lines at once, and the seconds after which one more may follow: at most half a megabyte a day.
AT_ONCE: Final = 20
SECONDS_EACH: Final = 60.0
LONGEST: Final = 300  # characters of a line


class BoundedNotes:
    """Passes lines on, and says how many were left out when one may follow again.

    Args:
        note: writes one line; it makes text from outside safe.
        now: the clock, in seconds.
    """

    def __init__(self, note: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._note = note
        self._now = now
        self._left = float(AT_ONCE)
        self._filled_at = now()
        self._left_out = 0

    def __call__(self, words: str) -> None:
        now = self._now()
        self._left = min(float(AT_ONCE), self._left + (now - self._filled_at) / SECONDS_EACH)
        self._filled_at = now
        if self._left < 1:
            self._left_out += 1
            return
        self._left -= 1
        more = f" ({self._left_out} messages before this one were left out.)" if self._left_out else ""
        self._left_out = 0
        self._note(f"{safe_line(words, LONGEST)}{more}")
