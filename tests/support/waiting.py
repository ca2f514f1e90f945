"""Waiting for what another thread or process does, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["wait_until"]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: it did not within `seconds`; `what` says what was waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)
