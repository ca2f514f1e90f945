"""An event loop that says how long the lookup of a name took.

httpx reports a lookup as a part of connecting. Both it and our own resolver ask the running loop for
addresses, so the loop is where the two can be kept apart. On another loop they stay one time.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

if sys.platform == "win32":
    _Loop = asyncio.ProactorEventLoop
else:
    _Loop = asyncio.SelectorEventLoop

on_lookup: Final[ContextVar[Callable[[float], None] | None]] = ContextVar("on_lookup", default=None)
"""What gets the seconds of each lookup in this context."""


class TimedLoop(_Loop):
    """The ordinary loop of the platform."""

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        """Look up a name as the ordinary loop does; pass how long that took to `on_lookup`."""
        began = time.perf_counter()
        try:
            return await super().getaddrinfo(*args, **options)
        finally:
            note = on_lookup.get()
            if note is not None:
                note(time.perf_counter() - began)
