"""Processes that a test starts: each has ended when the test has, whatever it came to."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from support.waiting import PATIENCE

__all__ = ["child", "ended"]


_GRACE = 5.0
"""Seconds in which a process that is asked to go may end what it has started itself."""


async def ended(
    process: Process, typed: bytes | None = None, seconds: float = PATIENCE
) -> tuple[bytes, bytes]:
    """Return what a process wrote up to its end; end it where that does not come, or nobody waits for it.

    Raises:
        TimeoutError: it did not end within `seconds`.
    """
    try:
        return await asyncio.wait_for(process.communicate(typed), seconds)
    finally:
        await _end(process)


@asynccontextmanager
async def child(*command: str, **options: Any) -> AsyncIterator[Process]:
    """Start a process; end it at the end of the block where it still runs."""
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    for end in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):  # what it started may still hold the pipes
            await asyncio.wait_for(process.communicate(), _GRACE)
