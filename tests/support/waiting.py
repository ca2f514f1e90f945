"""Waiting for what another thread or process does, with a bound."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest

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


async def cancelled(
    work: Coroutine[Any, Any, object] | asyncio.Task[Any], *, turns: int = 1, times: int = 1
) -> None:
    """Cancel work after so many turns of the loop, so often; return when it has ended by that."""
    task = asyncio.ensure_future(work)
    for _ in range(times):
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
