"""Work that must not stop half-way: it finishes even if its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


async def finish(work: Coroutine[Any, Any, _Result] | asyncio.Task[_Result]) -> _Result:
    """Await `work` to its end even when the caller is cancelled; the cancellation is passed on afterwards.

    A token that the server has replaced is stored, for example, even if the user is leaving.
    """
    result, cancelled = await finish_first(work)
    if cancelled:
        raise asyncio.CancelledError
    return result


async def finish_first(work: Coroutine[Any, Any, _Result] | asyncio.Task[_Result]) -> tuple[_Result, bool]:
    """Await `work` to its end, whatever happens; return its result, and whether the caller was cancelled.

    An exception of the work is raised as it is; if the caller was cancelled too, the cancellation is.
    """
    task = work if isinstance(work, asyncio.Task) else asyncio.create_task(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and (task.cancelled() or task.exception() is not None):
        raise asyncio.CancelledError
    return task.result(), cancelled
