"""Waiting for what another thread or process does, with a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["PATIENCE", "runs", "wait_until"]

PATIENCE: Final = 60.0
"""Seconds that a test waits for something before it fails, even on a busy machine. It measures nothing."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: it did not within `seconds`; `what` says what was waited for.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Return whether a process is there and has not ended; it may go while it is looked at. Needs /proc."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
