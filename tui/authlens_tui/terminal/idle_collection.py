"""Garbage collection while the user does nothing: a full one holds up a key by 50 ms and more."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

# New objects after which the youngest are collected. With fewer, what a screen needs for a moment grows old
# and waits for a full collection: 5 MiB more after a login.
YOUNG: Final = 5_000
MIDDLE: Final = 10  # such collections after which those that survived are collected
NEVER: Final = 1_000_000
DUE: Final = 2  # collections of the middle generation, after which a full one is worth it
QUIET: Final = 10.0  # seconds without a key: time to read, in which none is likely to come
LATEST: Final = 300.0  # seconds after which a full collection does not wait for quiet


class IdleCollection:
    """Takes over full collections from the interpreter."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_key = self._last_full = monotonic()

    def start(self) -> None:
        """Exclude what start-up made from collection, and let no full one happen automatically."""
        # Not the threshold of the moment, which `cli.start` raised so that loading modules collects nothing.
        gc.set_threshold(YOUNG, MIDDLE, NEVER)
        # Modules, classes and widgets stay to the end: to look through them each time finds nothing.
        gc.freeze()

    def note_key(self) -> None:
        self._last_key = self._monotonic()

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
