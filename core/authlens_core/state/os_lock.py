"""A lock of the operating system on an open file: it goes with the process that held it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filelock import FileLock


def os_lock(path: Path) -> FileLock:
    """Return a lock on `path`, not yet taken; taking it raises where the file system has no locks."""
    # Imported here: most calls of a script only read, and need no lock.
    from filelock import FileLock

    # Newer filelock falls back to a file that merely exists, which a crash leaves behind for ever.
    known = inspect.signature(FileLock.__init__).parameters
    strict: dict[str, Any] = {"fallback_to_soft": False} if "fallback_to_soft" in known else {}
    return FileLock(path, blocking=False, thread_local=False, **strict)


def taken(lock: FileLock) -> bool:
    """Take a lock without waiting; return false where another program has it."""
    from filelock import Timeout

    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True
