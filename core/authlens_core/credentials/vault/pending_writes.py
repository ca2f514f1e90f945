"""Work that goes on to its end although its caller has gone: a token that was replaced is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from authlens_core.values.finish import finish

_Result = TypeVar("_Result")


class PendingWrites:
    """Writes in progress; closing the store waits for them."""

    def __init__(self) -> None:
        self.writes: set[asyncio.Task[Any]] = set()
        self._left: set[asyncio.Task[Any]] = set()

    def __bool__(self) -> bool:
        return bool(self.writes or self._left)

    async def written(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Await a write to its end even when the caller is cancelled, which is passed on afterwards."""
        task = asyncio.create_task(work)
        self.writes.add(task)
        task.add_done_callback(self.writes.discard)
        return await finish(task)

    async def run_shielded(self, work: Coroutine[Any, Any, _Result], started: Callable[[], bool]) -> _Result:
        """Await work that the caller may abandon, but that must not stop halfway.

        When the caller is cancelled, so is the work, unless `started` says that it did what cannot be undone:
        then the caller returns at once, and the work goes on.
        """
        task = asyncio.create_task(work)
        # asyncio holds tasks by weak references: without the set, one that no one awaits can be collected
        # halfway.
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        task.add_done_callback(_retrieve_exception)
        try:
            # What may have reached the server goes on; what has not can still be dropped without a loss.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not started():
                task.cancel()
                await asyncio.wait({task})
            raise

    async def settle(self) -> None:
        if tasks := self.writes | self._left:
            await asyncio.wait(tasks)

    async def give_up(self, seconds: float) -> None:
        """Cancel what has been left to itself, which then notes how far it came, within some `seconds`."""
        # Writes are not cancelled: half a generation is worse than a late one.
        late = set(self._left)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=seconds)


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    """Take note of how a task ended that no one awaits any more: the grant says it, not the log."""
    if not task.cancelled():
        task.exception()
