"""Waiting until a program under test has nothing left to do, on a busy machine as on an idle one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from textual import app as app_module
from textual import pilot as pilot_module

__all__ = ["settled", "waits_until_settled"]

_ROUNDS: Final = 3  # turns of the loop in which nothing else ran: what a socket has is read in the turn after
_SOON: Final = 0.04  # seconds: a timer due within them is waited for. One draws the screen, within 33 ms
_LOOK: Final = 0.001  # seconds between two looks at threads
_MOST: Final = 0.3  # seconds for timers and threads that have no end, such as a clock on the screen
_BUSY: Final = 20.0  # seconds for a loop that always has something to run


async def settled(*_bounds: float) -> None:
    """Return once nothing of this loop can run, no timer is due at once and no thread of it is at work.

    Textual compares the processor's time with the clock's instead. On a busy machine the process does not run
    for a while, and seems to be idle with a key half handled.
    """
    loop = asyncio.get_running_loop()
    began, quiet, waited = loop.time(), 0, 0.0
    while quiet < _ROUNDS and loop.time() - began < _BUSY:
        await asyncio.sleep(0)
        if _runs_more(loop):
            quiet = 0
        elif waited < _MOST and (wait := _soon(loop) or _threads(loop)):
            before = loop.time()
            await asyncio.sleep(wait)
            waited += loop.time() - before
            quiet = 0
        else:
            quiet += 1


def _runs_more(loop: Any) -> bool:
    return bool(loop._ready)


def _soon(loop: Any) -> float:
    """Return the seconds until the next timer if it is due soon, else 0."""
    left: list[float] = [one._when - loop.time() for one in loop._scheduled if not one._cancelled]
    return max(min(left), _LOOK) if left and min(left) <= _SOON else 0.0


def _threads(loop: Any) -> float:
    """Return how long to wait for the threads of `asyncio.to_thread`, 0 if none is at work."""
    pool = loop._default_executor
    return _LOOK if pool is not None and pool._idle_semaphore._value < len(pool._threads) else 0.0


@contextmanager
def waits_until_settled() -> Iterator[None]:
    """Let a pilot wait so, after each key and in each pause."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (app_module, pilot_module):
            patch.setattr(module, "wait_for_idle", settled)
        yield
