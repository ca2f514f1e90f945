"""Doing the same to many credentials: some at a time, one failing without the others, stopped by a word."""

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
    waiting = list(enumerate(items))
    waiting.reverse()
    results: dict[int, _Result] = {}

    async def worker() -> None:
        while waiting and not (stop is not None and stop.is_set()):
            number, item = waiting.pop()
            results[number] = await work(item)
            on_result(item, results[number])

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(waiting))):
            group.create_task(worker())
    return tuple(results[number] for number in sorted(results))
