"""Do the same to many credentials: some at a time, and stopped between two."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

# How many are under way at once.
AT_ONCE: Final = 6
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def concurrent_map(
    items: Iterable[_Item],
    work: Callable[[_Item], Awaitable[_Result]],
    *,
    at_once: int = AT_ONCE,
    on_result: Callable[[_Item, _Result], None] = lambda _item, _result: None,
    stop: asyncio.Event | None = None,
) -> tuple[_Result, ...]:
    """Do `work` to every item and return the results in the order of the items.

    Args:
        work: what is done to each; what it raises ends everything.
        stop: when it is set nothing more is started; what was started ends first, as it may have been sent.

    Returns:
        The results of what was started: fewer than items where it was stopped.
    """
    numbered = enumerate(items)
    results: dict[int, _Result] = {}

    async def worker() -> None:
        # All workers take from one iterator, so each item is done once.
        for number, item in numbered:
            if stop is not None and stop.is_set():
                return
            results[number] = await work(item)
            on_result(item, results[number])

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return tuple(results[number] for number in sorted(results))
