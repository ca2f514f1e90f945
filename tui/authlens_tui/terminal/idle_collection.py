"""Garbage collection while the user does nothing: a full one holds up a key by 50 ms and more.

The youngest objects are collected as usual, and those that survive that after a key whose answer is painted:
else the slowest keys wait for it. Old ones, such as the lines of a large document, are looked at
when no key was pressed for a while, and then left out of later collections.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

YOUNG: Final = 2_000  # new objects after which the youngest are collected
MIDDLE: Final = 20  # such collections after which those that survived are, whether or not a key waits
AFTER_KEY: Final = 8  # of the first kind, after which those that survived are collected after a key
PAUSE: Final = 0.04  # seconds after a key when its answer is painted
NEVER: Final = 1_000_000
DUE: Final = 2  # of the second kind, after which a full collection is worth it
QUIET: Final = 10.0  # seconds without a key: time to read, in which none is likely to come
LATEST: Final = 300.0  # seconds after which a full collection does not wait for quiet


CallLater = Callable[[float, Callable[[], None]], object]


class IdleCollection:
    """Takes over full collections from the interpreter."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_key = self._last_full = monotonic()
        self._call_later: CallLater | None = None
        self._is_called = False

    def start(self, call_later: CallLater) -> None:
        """Exclude what start-up made from collection, and let no full one happen automatically.

        Args:
            call_later: calls something in so many seconds, in this thread.
        """
        self._call_later = call_later
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        gc.freeze()

    def note_key(self) -> None:
        self._last_key = self._monotonic()
        if self._call_later is not None and not self._is_called:
            self._is_called = True
            self._call_later(PAUSE, self._after_key)

    def _after_key(self) -> None:
        self._is_called = False
        if gc.get_count()[1] >= AFTER_KEY:
            gc.collect(1)

    def tick(self) -> bool:
        """Collect everything if that is worth it and no key waits; return whether it was done."""
        now = self._monotonic()
        if gc.get_count()[2] < DUE or (now - self._last_key < QUIET and now - self._last_full < LATEST):
            return False
        # What was frozen after the last collection may be garbage by now.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._last_full = now
        return True
