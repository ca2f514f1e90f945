"""Private files: written whole or not at all, and locked, whenever the process dies."""

from __future__ import annotations

import inspect
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from filelock import FileLock

PRIVATE: Final = 0o600
_BY_UMASK: Final = 0o666
_NEW: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def create(
    path: str | Path,
    data: bytes,
    *,
    durable: bool = True,
    mode: int | None = PRIVATE,
    owner: os.stat_result | None = None,
    directory: int | None = None,
) -> None:
    """Write `data` to a new file and flush it to the disk; leave nothing behind on an error.

    Args:
        durable: false for what only has to outlive this process, and not a power cut: it is not flushed.
        mode: whatever the umask; only you can read the file by default. None for what the umask leaves.
        owner: whose the file is to be; yours by default.
        directory: the descriptor of the directory that `path` is in.

    Raises:
        FileExistsError: there is one already, or a link of this name.
        OSError: it cannot be written.
    """
    descriptor = os.open(path, _NEW, _BY_UMASK if mode is None else PRIVATE, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name != "nt":
                # Root edits the file of a user, who must be able to edit it later.
                if owner is not None and owner.st_uid != os.geteuid():
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
                if mode not in (None, PRIVATE):
                    os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            # Before the rename: file systems may store the new name earlier than the data, and a power cut
            # leaves a file of zeros.
            if durable:
                os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            os.unlink(path, dir_fd=directory)
        raise


def replace(
    path: Path, data: bytes, *, locked: bool = False, durable: bool = True, mode: int = PRIVATE
) -> None:
    """Put `data` in a file at `path`: a reader sees the old file or the new one, never a part.

    Args:
        path: the file; a link there is replaced, not followed.
        locked: true if a lock keeps other writers away: a draft that a crash left behind is then removed.
        durable: as for `create`.
        mode: as for `create`.

    Raises:
        OSError: it cannot be written; the old file is unharmed.
    """
    # Under a lock one name will do, and a draft that a crash left is overwritten; without one, two may write
    # at once.
    draft = path.with_name(f"{path.name}.draft" if locked else f".{path.name}-{os.urandom(8).hex()}")
    if locked:
        draft.unlink(missing_ok=True)
    create(draft, data, durable=durable, mode=mode)
    try:
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    if durable:
        flush_directory(path.parent)


def flush_directory(path: str | Path, *, directory: int | None = None) -> None:
    """Make a new name survive a power cut; Windows has no such call, and some file systems refuse it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY, dir_fd=directory)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def os_lock(path: Path) -> FileLock:
    """Return a lock of the operating system on `path`, which goes with the process that held it.

    It is not taken yet; taking it raises where the file system has no locks.
    """
    # Imported here: most calls of a script only read, and need no lock.
    from filelock import FileLock

    # Newer filelock falls back to a file that merely exists, which a crash leaves behind for ever.
    parameters = inspect.signature(FileLock.__init__).parameters
    strict: dict[str, Any] = {"fallback_to_soft": False} if "fallback_to_soft" in parameters else {}
    return FileLock(path, blocking=False, thread_local=False, **strict)


def acquired(lock: FileLock, wait: float = 0.0) -> bool:
    """Return whether a lock could be acquired within some seconds; false if another program has it."""
    from filelock import Timeout

    try:
        # Short: a write takes milliseconds.
        lock.acquire(blocking=wait > 0, timeout=wait, poll_interval=0.01)
    except Timeout:
        return False
    return True
