"""httpx, loaded without what authlens does not use of it."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from types import ModuleType
from typing import cast


def leave_out_the_command_line() -> None:
    """Make the first `import httpx` load half as much; call it before.

    `import httpx` brings its command line: click, rich and every lexer of pygments, more than half of what it
    loads. An empty module in its place leaves them out. httpcore tries to import sniffio at every request,
    and where it is not installed each try searches the disk, unless it is noted as missing.
    """
    if "httpx" in sys.modules:
        return
    if importlib.util.find_spec("sniffio") is None:
        cast("dict[str, ModuleType | None]", sys.modules).setdefault("sniffio", None)
    command_line = ModuleType("httpx._main")
    command_line.__dict__["main"] = lambda: None
    sys.modules.setdefault(command_line.__name__, command_line)


async def load_httpx() -> None:
    """Import httpx off the event loop; a caller that does so early spares the first request that time."""
    if "httpx" not in sys.modules:
        leave_out_the_command_line()
        await asyncio.to_thread(importlib.import_module, "httpx")
