"""Notes that outlive a process which dies, and tell the program that comes next that it did.

Each note is a small file with a lock of the operating system beside it. The lock goes with its process,
however that ended: a note whose lock is free belongs to a dead process. What a note says is for its
writer to know; it must hold no secret.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable

if TYPE_CHECKING:
    from filelock import FileLock

# Notes that are looked at; there are more only where something is wrong.
MOST: Final = 50
# Bytes of a note that are read.
LONGEST: Final = 256 * 1024


class CrashNote:
    """One note, locked by this process until it is dropped or let go. Nothing that is done to it fails.

    Args:
        lock: the lock beside it, held.
    """

    def __init__(self, path: Path, lock: FileLock) -> None:
        self._path = path
        self._lock = lock
        self.text = ""

    def write(self, text: str) -> None:
        """Let it say `text` from now on, the whole of it or none."""
        self.text = text
        with suppress(OSError):
            # Written at every step of what it notes, and flushing takes longer than most steps.
            private_file.replace(self._path, text.encode(), locked=True, durable=False)

    def let_go(self) -> None:
        """Leave it for the program that comes next."""
        self._lock.release()

    def drop(self) -> None:
        draft = self._path.with_name(f"{self._path.name}.draft")
        for path in (self._path, draft, Path(self._lock.lock_file)):
            with suppress(OSError):
                path.unlink()
        self._lock.release()


class CrashNotes:
    """The notes in one directory, which is made when the first is written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self) -> CrashNote | None:
        """Return a new note that says nothing yet; None if none can be kept."""
        try:
            path = state_directory(self._directory) / f"{secrets.token_hex(8)}.json"
        except StateUnusable:
            return None
        lock = _locked(path)
        return None if lock is None else CrashNote(path, lock)

    def claim(self) -> tuple[CrashNote, ...]:
        """Return every note whose process is gone; this one holds them until each is dropped or let go."""
        try:
            locks = sorted(self._directory.glob("*.lock"))[:MOST]
        except OSError:
            return ()
        claimed = []
        for path in (beside.with_suffix(".json") for beside in locks):
            lock = _locked(path)
            if lock is None:
                continue  # its process lives
            note = CrashNote(path, lock)
            try:
                with path.open("rb") as file:
                    note.text = file.read(LONGEST).decode("utf-8", "replace")
            except OSError:
                note.drop()  # it never said anything
                continue
            claimed.append(note)
        return tuple(claimed)


def _locked(path: Path) -> FileLock | None:
    """Return the lock beside `path`, taken; None if another process has it or there are no locks."""
    try:
        lock = private_file.os_lock(own_file(path.with_suffix(".lock")))
        if not private_file.taken(lock):
            return None
    except (OSError, NotImplementedError, StateUnusable):
        return None
    # On a file without a name a lock keeps no one out.
    if Path(lock.lock_file).exists():
        return lock
    lock.release()  # its owner erased it in this moment
    return None
