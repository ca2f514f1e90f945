"""A token that cloudflared stores: what the name of its file says, the value, and who holds its lock file.

cloudflared writes `<host><path>-<aud>-token`, and `-` for every `/` and `*`. So a name with a hyphen behind a
dot can be read in several ways: `my.app-x.example.com` is a host, or the path `/x.example.com` of `my.app`,
which is another owner's. Every reading is a guess until the address itself names the AUD of the file.

A lock (cloudflared since 2026.5.0) says which process made it and when that process started. It is never
removed after a success, so most of those that are found are stale: the process is gone, another one has its
number now, or ten minutes passed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.values.formats.json_document import object_in
from authlens_core.values.formats.url_path import is_ambiguous
from authlens_core.values.url import Url, usable_url

_AUD_LENGTH: Final = 64  # hexadecimal digits
_HEX: Final = frozenset("0123456789abcdef")
# Hosts that one file name may stand for; each costs a request.
_MOST_HOSTS: Final = 4
_MOST_PATHS: Final = 8  # of one host
_LONGEST_CHOICE: Final = 3  # hyphens of a path that are tried in every way
_LEEWAY: Final = timedelta(seconds=60)  # for a clock that is behind (RFC 7519 §4.1.5)
_STALE_AFTER: Final = timedelta(minutes=10)
_SAME_START: Final = timedelta(seconds=1)
# A larger one would overflow in kill(2); 0 and -1 mean whole groups of processes.
_LARGEST_PID: Final = 2**31 - 1
_LATEST_START: Final = 4_102_444_800_000  # milliseconds; the year 2100


def application_name(base: str) -> tuple[str, str]:
    """Return host with path, and AUD, of a file name without `-token`; no AUD where it has none."""
    name, dash, audience = base.rpartition("-")
    if not (dash and len(audience) == _AUD_LENGTH and _HEX.issuperset(audience)):
        name, audience = base, ""
    # No host begins with a hyphen: here it stands for the asterisk of an application on a wildcard.
    return (f"*{name[1:]}" if name.startswith("-.") else name), audience


def names_of(url: Url) -> tuple[str, ...]:
    """Return what file names may hold for a URL: host and path, then with less and less of the path.

    The demo keeps the port of its application in the name, too.
    """
    segments = [segment for segment in url.path.split("/") if segment][:20]
    # A token for a path is not for what a server may read as another path.
    if is_ambiguous(url.path):
        segments = []
    hosts = (url.host, f"*.{url.host.partition('.')[2]}", *_here(url))
    return tuple(
        "-".join((name, *segments[:length])) for length in range(len(segments), -1, -1) for name in hosts
    )


def can_only_mean(name: str, url: Url) -> bool:
    """Return whether `name` is the host of `url` and has no other reading, so that no one has to be asked."""
    return name in (url.host, *_here(url)) and all(other == name for other in _hosts(name))


def readings(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the addresses that `name` can mean: for each possible host its URLs, the likeliest first.

    Nothing for a wildcard, which is not one address. Four hosts and eight paths of each at most.
    """
    here = usable_url(f"http://{name}/", loopback_http=True)
    if here is not None and name in _here(here):
        return ((here.text,),)
    if "*" in name:
        return ()
    hosts = [(host, name[len(host) + 1 :].strip("-")) for host in _hosts(name)[:_MOST_HOSTS]]
    return tuple(tuple(f"https://{host}/{path}" for path in _paths(suffix)) for host, suffix in hosts)


def sure_address(name: str) -> str:
    """Return the address that `name` means where it can mean no other, or nothing."""
    possible = readings(name)
    url = usable_url(possible[0][0], loopback_http=True) if len(possible) == 1 else None
    return possible[0][0] if url is not None and can_only_mean(name, url) else ""


def login_address(name: str) -> str:
    """Return an address of the only host that `name` can mean, to log in to it; nothing where unsure."""
    possible = readings(name)
    return possible[0][0] if len(possible) == 1 else ""


def _here(url: Url) -> tuple[str, ...]:
    return (f"{url.host}:{url.port}",) if url.is_loopback and url.port is not None else ()


def _hosts(name: str) -> tuple[str, ...]:
    cuts = [*(position for position, sign in enumerate(name) if sign == "-"), len(name)]
    return tuple(name[:cut] for cut in cuts if _is_host(name[:cut]))


def _is_host(text: str) -> bool:
    """Return whether an application can be on `text`: no top-level domain has a hyphen, but for `xn--`."""
    url = usable_url(f"https://{text}/")
    if url is None or url.host != text or "." not in text:
        return False
    labels = text.split(".")
    if all(label.isdigit() for label in labels):
        return True  # an address, which the parser has checked
    is_name = all(label and label[0] != "-" and label[-1] != "-" for label in labels)
    last = labels[-1]
    return is_name and ((last.isalpha() and last != "xn") or last.startswith("xn--"))


def _paths(suffix: str) -> tuple[str, ...]:
    """Return the paths that `suffix` can mean: every hyphen a slash, none, then some of them."""
    first, *others = suffix.split("-")
    paths = ["/".join((first, *others)), suffix]
    if len(others) <= _LONGEST_CHOICE:
        signs = product("/-", repeat=len(others))
        paths += [first + "".join(map(str.__add__, chosen, others)) for chosen in signs]
    usable = (path for path in paths if usable_url(f"https://host.example/{path}") is not None)
    return tuple(dict.fromkeys(usable))[:_MOST_PATHS]


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
    if type(pid) is not int or not 0 < pid <= _LARGEST_PID:
        return None, None
    if type(start) is not int or not 0 < start < _LATEST_START:
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
