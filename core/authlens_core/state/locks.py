"""One at a time, across tasks and processes: the lock a refresh holds while it reads, sends and stores.

It is a lock of the operating system on an open file, so that it goes with the process that held it, however
that ended. A file system without such locks is refused: two refreshes at once can end every session.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from authlens_core.state import private_file
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import StateUnusable, TimedOut
from authlens_core.values.safe_text import safe_line

if TYPE_CHECKING:
    from filelock import FileLock

# Locks of files cannot be awaited on any system, so they are asked for again and again.
POLL_SECONDS: Final = 0.05
_LONGEST: Final = 500  # bytes of the note on who holds a lock


class LockBusy(TimedOut):
    """Another process held the lock for longer than the caller wanted to wait."""


class LockUnavailable(StateUnusable):
    """Locks cannot be used here."""


class Locks:
    """The locks of one state directory.

    Args:
        directory: where the lock files are; None for a memory-only session: no other process has its grants.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._local: dict[str, asyncio.Lock] = {}

    def _name(self, parts: tuple[str, ...]) -> str:
        digest = hashlib.sha256()
        for component in parts:
            data = component.encode("utf-8", "surrogatepass")
            # With its length: `("ab", "c")` and `("a", "bc")` are two locks.
            digest.update(len(data).to_bytes(8, "big") + data)
        # A digest, so that the name of a file says nothing of a resource.
        return digest.hexdigest()[:32]

    @asynccontextmanager
    async def hold(
        self, *parts: str, purpose: str, bound: float = 30.0, give_up: Callable[[], bool] = bool
    ) -> AsyncIterator[None]:
        """Hold the lock named by `parts` for the block; waiting can be cancelled at any moment.

        Args:
            purpose: what it is held for, a few words for a program that waits.
            bound: seconds to wait; 0 tries once.
            give_up: asked again and again while waiting; when it says yes, the wait has been too long.

        Raises:
            LockBusy: another program held it for longer than `bound`.
            LockUnavailable: there are no locks on this file system, or the directory cannot be used.
        """
        name = self._name(parts)
        local = self._local.setdefault(name, asyncio.Lock())
        deadline = asyncio.get_running_loop().time() + bound
        # A file lock does not keep two tasks of one process apart, and this one costs no system call.
        while local.locked():
            await self._pause(deadline, name, give_up)
        async with local:
            if self._directory is None:
                yield
                return
            # It goes with its process, so a crash leaves nothing that would have to be cleared.
            lock = self._file_lock(name)
            while not self._try(lock):
                await self._pause(deadline, name, give_up)
            try:
                self._sign(name, purpose)
                yield
            finally:
                with suppress(OSError):
                    self._owner_file(name).unlink()
                lock.release()

    async def _pause(self, deadline: float, name: str, give_up: Callable[[], bool]) -> None:
        if give_up() or asyncio.get_running_loop().time() >= deadline:
            owner = self._read_owner(name)
            who = f" ({owner})" if owner else ""
            raise LockBusy(
                f"Another authlens is busy with this login{who}.", "Wait for it, or end it, then try again."
            )
        await asyncio.sleep(POLL_SECONDS)

    def _file_lock(self, name: str) -> FileLock:
        try:
            directory = state_directory(self._owner_file(name).parent)
        except StateUnusable as error:
            raise LockUnavailable(error.cause, error.cure) from error
        return private_file.os_lock(own_file(directory / f"{name}.lock"))

    def _try(self, lock: FileLock) -> bool:
        try:
            return private_file.acquired(lock)
        except (OSError, NotImplementedError) as error:
            raise LockUnavailable(
                "This file system has no locks: two programs could spend the same refresh token.",
                "Set AUTHLENS_HOME to a directory on a local disk.",
            ) from error

    # The owner, for display

    def _owner_file(self, name: str) -> Path:
        return (self._directory or Path()) / "locks" / f"{name}.owner"

    def _sign(self, name: str, purpose: str) -> None:
        # For the one who waits: the lock itself does not say who has it.
        since = datetime.now(UTC).isoformat(timespec="seconds")
        note = f"{purpose} by process {os.getpid()} on {socket.gethostname()} since {since}"
        with suppress(OSError):
            data = note.encode("utf-8", "replace")
            private_file.replace(self._owner_file(name), data, locked=True, durable=False)

    def _read_owner(self, name: str) -> str:
        with suppress(OSError):
            return safe_line(self._owner_file(name).read_bytes()[:_LONGEST].decode("utf-8", "replace"))
        return ""

    def owner(self, *parts: str) -> str:
        """Return who wrote that they hold the lock named by `parts`, for display only; empty if no one."""
        return "" if self._directory is None else self._read_owner(self._name(parts))
