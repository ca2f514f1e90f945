"""Find the program that listens on a port: from /proc on Linux (proc(5)), by psutil on macOS and Windows.

/proc shows the account of another user's socket, which psutil cannot.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from authlens_core.grammars import linux_sockets
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import NAME, safe_line

_MAX_PROCESSES: Final = 50_000
# How a command line names authlens: its script, or its package after `-m`, or the file of that.
_PROGRAMS: Final = frozenset({"authlens", "authlens.exe", "authlens_tui", "__main__.py"})
_SERVERS: Final = frozenset({"emulator", "demo", "proxy"})


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The program that listens on a port, as far as the operating system tells.

    Attributes:
        pid: its process id; None if the process is another user's and hidden from us.
        name: its short name, safe to show; empty when it is hidden.
        user: the account it runs as, safe to show; empty when unknown.
        is_login: whether it is an authlens that waits for a browser, as far as its command line tells.
    """

    pid: int | None
    name: str
    user: str
    is_login: bool = False

    def __str__(self) -> str:
        who = f" run by {self.user}" if self.user else ""
        if self.pid is None:
            return f"a program{who}"
        return f"{self.name or 'a program'} (process {self.pid}){who}"


def find_owner(port: int) -> PortOwner | None:
    """Return the program that listens on `port` of a loopback or wildcard address, or None if unknown.

    Looks at every process; call it outside the event loop.
    """
    # /proc/net/tcp has the account of every socket; psutil sees only processes that this account may inspect.
    return owner_in_proc(port) if sys.platform == "linux" else owner_by_psutil(port)


def owner_by_psutil(port: int) -> PortOwner | None:
    """Return the owner of `port` as psutil reports it: only processes that this account may inspect."""
    import psutil

    for process in islice(psutil.process_iter(), _MAX_PROCESSES):
        with contextlib.suppress(psutil.Error, OSError):
            if any(
                each.status == psutil.CONN_LISTEN and each.laddr.port == port and _is_local(each.laddr.ip)
                for each in process.net_connections("tcp")
            ):
                account = str(process.username()).rpartition("\\")[2]
                name, user = safe_line(process.name(), NAME), safe_line(account, NAME)
                return PortOwner(process.pid, name, user, _is_login(process.cmdline()))
    return None


def owner_in_proc(port: int, proc: Path = Path("/proc")) -> PortOwner | None:
    """Return the owner of `port` as the process file system mounted at `proc` shows it."""
    sockets = [*_listening(proc / "net" / "tcp", port), *_listening(proc / "net" / "tcp6", port)]
    if not sockets:
        return None
    pid = _pid_of({f"socket:[{inode}]" for inode, _ in sockets}, proc)
    user = _account(sockets[0][1])
    if pid is None:
        return PortOwner(pid, "", user)
    return PortOwner(pid, _name(proc / str(pid)), user, _is_login(_words(proc / str(pid))))


def _listening(table: Path, port: int) -> Iterator[tuple[int, int]]:
    """Yield inode and account of every socket that listens on `port`."""
    try:
        with table.open(encoding="ascii", errors="replace") as lines:
            for each in linux_sockets.sockets(lines):
                if each.state == linux_sockets.LISTEN and _covers_loopback(each.local, port):
                    yield each.inode, each.account
    except (OSError, ValueError):
        return


def _covers_loopback(local: str, port: int) -> bool:
    """Return whether `local`, such as `0100007F:20D0`, is `port` of a loopback or wildcard address."""
    address, number = linux_sockets.endpoint(local)
    return number == port and _is_local(address)


def _is_local(address: str | bytes) -> bool:
    ip = ipaddress.ip_address(address)
    # A socket of both families shows 127.0.0.1 as ::ffff:127.0.0.1.
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_unspecified


def _pid_of(links: set[str], proc: Path) -> int | None:
    try:
        processes = [each for each in islice(proc.iterdir(), _MAX_PROCESSES) if each.name.isdigit()]
    except OSError:
        return None
    return next((int(each.name) for each in processes if _holds(each / "fd", links)), None)


def _holds(descriptors: Path, links: set[str]) -> bool:
    try:
        return any(_target(each) in links for each in descriptors.iterdir())
    except OSError:
        return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return safe_line((process / "comm").read_text(encoding="utf-8", errors="replace").rstrip("\n"), NAME)
    except OSError:
        return ""


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def _is_login(words: Sequence[str]) -> bool:
    """Return whether a command line is that of authlens, and not of its emulator, which plays a server."""
    ours = [at for at, word in enumerate(words) if re.split(r"[/\\]", word)[-1] in _PROGRAMS]
    return bool(ours) and not _SERVERS.intersection(words[ours[0] + 1 :])


def _account(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return safe_line(pwd.getpwuid(uid).pw_name, NAME)
    except KeyError:
        return str(uid)
