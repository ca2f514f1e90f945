"""An event loop that says how long the lookup of a name took.

httpx reports a lookup as a part of connecting. Both it and our own resolver ask the running loop for
addresses, so the loop is where the two can be kept apart. On another loop they stay one time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

if sys.platform == "win32":
    _Loop = asyncio.ProactorEventLoop
else:
    _Loop = asyncio.SelectorEventLoop

_T = TypeVar("_T")
_noted: Final[ContextVar[Callable[[float], None] | None]] = ContextVar("_noted", default=None)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run as `asyncio.run` does, in a loop that times lookups."""
    with asyncio.Runner(loop_factory=TimedLoop) as runner:
        return runner.run(work)


@contextmanager
def lookups_noted_by(note: Callable[[float], None]) -> Iterator[None]:
    """Call `note` with the seconds of each lookup of a name in the block."""
    before = _noted.set(note)
    try:
        yield
    finally:
        _noted.reset(before)


class TimedLoop(_Loop):
    """The ordinary loop of the platform."""

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        """Look up a name as the ordinary loop does, and note how long that took."""
        began = time.perf_counter()
        try:
            return await super().getaddrinfo(*args, **options)
        finally:
            note = _noted.get()
            if note is not None:
                note(time.perf_counter() - began)
