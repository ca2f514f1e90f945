"""Cancelling work at a chosen turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

__all__ = ["cancelled"]


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
