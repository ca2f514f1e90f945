"""A token that cloudflared stores, as a value, and who holds it: its lock files (cloudflared since 2026.5.0).

A lock says which process made it and when that process started. It is never removed after a success, so most
of those that are found are stale: the process is gone, another one has its number now, or ten minutes passed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.cloudflare.cloudflared_names import login_address
from authlens_core.values.formats.json_document import object_in

_LEEWAY: Final = timedelta(seconds=60)  # for a clock that is behind (RFC 7519 §4.1.5)
_STALE_AFTER: Final = timedelta(minutes=10)
_SAME_START: Final = timedelta(seconds=1)
# A larger one would overflow in kill(2); 0 and -1 mean whole groups of processes.
_LARGEST_PID: Final = 2**31 - 1
_LATEST_START: Final = 4_102_444_800_000  # milliseconds; the year 2100


class CloudflaredKind(StrEnum):
    """What a token of cloudflared is for."""

    APPLICATION = "application"
    ORGANISATION = "organisation"
    """It opens no application; with it cloudflared gets application tokens without asking a user."""


class LockOwner(StrEnum):
    """What happened to the process that made a lock."""

    ALIVE = "alive"
    GONE = "gone"
    """It ended, its number belongs to another process, or the lock is older than ten minutes."""
    UNKNOWN = "unknown"
    """The lock names no process, as those of older versions, or this system does not tell."""


class CloudflaredLock(Struct, frozen=True):
    """A lock file: the number of the process that made it, and whether it still runs."""

    pid: int | None
    owner: LockOwner

    @property
    def holds(self) -> bool:
        """True while a process waits under this lock."""
        return self.owner is LockOwner.ALIVE


class CloudflaredToken(Struct, frozen=True):
    """A token that cloudflared keeps, or is about to. Nothing in it is verified; every text is safe to show.

    Attributes:
        token_id: ours, made of the file name, so that it stays the same.
        host: the application's host, with its path where there is one (`/` is `-` in the file name, so a path
            cannot be distinguished from a host with hyphens); of an organisation its team domain.
        audience: the AUD of the application, or of the claims; empty where unknown.
        person: the e-mail address in the claims, else the common name of a service token; may be empty.
        team: the team's domain, `<team>.cloudflareaccess.com`; empty where unknown.
        issued_at: the claim `iat`, or None.
        expires_at: the claim `exp`, or None.
        not_before: the claim `nbf`, or None.
        is_foreign: the AUD in the file name is not among those of the claims; cloudflared since 2026.8.0 does
            not use such a token either.
        fingerprint: changes with what is in the file; tells nothing of it.
        pending_url: the login that a process waits for, or None.
        lock: who holds it, or None where no one does.
        problem: why there is no token to be used, one sentence; empty where there is one.
    """

    token_id: str
    kind: CloudflaredKind
    host: str
    path: Path
    audience: str = ""
    person: str = ""
    team: str = ""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    not_before: datetime | None = None
    is_foreign: bool = False
    fingerprint: str = ""
    pending_url: str | None = None
    lock: CloudflaredLock | None = None
    problem: str = ""

    @property
    def opens_application(self) -> bool:
        """Whether it opens one application: an organisation token opens none."""
        return self.kind is CloudflaredKind.APPLICATION

    @property
    def url(self) -> str:
        """Where to log in for it: an address of the only host that its name can mean; else empty."""
        return login_address(self.host)

    def is_early(self, now: datetime) -> bool:
        """Return whether it is not valid yet at `now` (RFC 7519 §4.1.5); a clock may be a little off."""
        return self.not_before is not None and self.not_before - now > _LEEWAY

    def lasts(self, now: datetime) -> bool:
        """Return whether there is a token that may be sent at `now`, if only to its own application."""
        if self.problem or self.is_foreign or self.is_early(now):
            return False
        return self.expires_at is None or self.expires_at > now


class Process(Struct, frozen=True):
    """Whether a process runs, and since when, as far as this system tells: None where it does not."""

    runs: bool | None
    started_at: datetime | None = None


def read_lock(
    data: bytes, made_at: datetime | None, now: datetime, look: Callable[[int], Process]
) -> CloudflaredLock:
    """Return what a lock file says; never raises.

    Args:
        now: the present, in UTC.
        look: describes a process by its number.
    """
    pid, started_at = _owner(data)
    if pid is None:
        return CloudflaredLock(None, LockOwner.UNKNOWN)
    # cloudflared itself takes a lock for abandoned after this time.
    if made_at is not None and now - made_at > _STALE_AFTER:
        return CloudflaredLock(pid, LockOwner.GONE)
    process = look(pid)
    if process.runs is None:
        return CloudflaredLock(pid, LockOwner.UNKNOWN)
    # Process ids are used again: one that started at another moment is another program.
    is_another = (
        started_at is not None
        and process.started_at is not None
        and abs(process.started_at - started_at) > _SAME_START
    )
    owner = LockOwner.ALIVE if process.runs and not is_another else LockOwner.GONE
    return CloudflaredLock(pid, owner)


def _owner(data: bytes) -> tuple[int | None, datetime | None]:
    lock = object_in(data)
    pid, start = lock.get("pid"), lock.get("start_time")
    if isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid <= _LARGEST_PID:
        return None, None
    if isinstance(start, bool) or not isinstance(start, int) or not 0 < start < _LATEST_START:
        return pid, None
    return pid, datetime.fromtimestamp(start / 1000, UTC)


def process_of(pid: int) -> Process:
    """Return what this system knows of a process; nothing is sent to it."""
    if sys.platform == "win32":  # asking with signal 0 would end it there
        return Process(None)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return Process(False)
    except (OSError, OverflowError):
        pass  # it runs and is another owner's
    return Process(True, _started_at(pid))


def _started_at(pid: int) -> datetime | None:
    """Return when a process started (proc_pid_stat(5), field 22), on Linux only."""
    with suppress(OSError, ValueError, IndexError):
        # The name, in parentheses, may hold spaces and parentheses itself.
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        booted = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text("ascii", "replace").split("\n")
            if line.startswith("btime ")
        )
        # Field 22 of proc(5), counted from 1; the name and the id before it are cut off.
        return datetime.fromtimestamp(booted + int(fields[19]) / os.sysconf("SC_CLK_TCK"), UTC)
    return None
