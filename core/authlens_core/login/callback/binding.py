"""Taking the port: loopback addresses only, both families or none, never shared (RFC 8252 §7.3); who has it.

The program that listens on a port is found in /proc on Linux (proc(5)), which shows the account of another
user's socket; by psutil on macOS and Windows, which cannot.

"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import iglob
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.values.errors import NetworkFailure
from authlens_core.values.formats import linux_sockets
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.stage import Stage

CALLBACK_PATH: Final = "/callback"
TEST_PATH: Final = "/test"
FAMILY_NAMES: Final = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
_IPV4, _IPV6 = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
# What the system says when the machine has no such family, not a port that is in use.
_FAMILY_ABSENT: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})
# Near the usual port first, so that a firewall rule or a server's list of redirect URIs may cover it already.
OTHER_PORTS: Final[Sequence[int]] = range(8401, 8411)
_REFUSALS: Final = frozenset({errno.EACCES, errno.EPERM})
_ANSWER_SECONDS: Final = 0.5  # to connect on this machine
# Attempts to find a port that is free in both families.
# Each attempt fails only if some program has the number in one family alone.
_EPHEMERAL_ATTEMPTS: Final = 16
# Connections that the system holds until they are accepted.
_BACKLOG: Final = 64


class NoLoopback(NetworkFailure):
    """This machine has no loopback address of the families that were asked for."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This machine has no working loopback address for {host}.",
            "Bring the loopback interface up, or paste the callback URL instead of waiting for it.",
            stage=Stage.AUTHORIZATION,
        )


class BoundPort(Struct, frozen=True):
    """A port that is ours, listening already.

    Attributes:
        sockets: one per address family that this machine has.
        families: their names, such as `("IPv4", "IPv6")`.
        notes: what a user should know, such as a family that is absent.
    """

    sockets: tuple[socket.socket, ...]
    port: int
    families: tuple[str, ...]
    notes: tuple[str, ...]

    def close(self) -> None:
        for each in self.sockets:
            each.close()


def redirect_uri(host: str, port: int, path: str = CALLBACK_PATH) -> str:
    """Return the redirect URI of a listener on `port`, as it is registered and compared."""
    return f"http://{host}:{port}{path}"


def _addresses(host: str) -> tuple[tuple[socket.AddressFamily, str], ...]:
    """Return the loopback addresses to which a browser goes that is sent to `host`."""
    if host == "localhost" or host.endswith(".localhost"):
        # Browsers try ::1 first: with 127.0.0.1 alone, another program on ::1 would receive the code.
        return (_IPV4, _IPV6)
    return (_IPV6,) if host == "[::1]" else ((socket.AF_INET, host),)


def bind_loopback(host: str, port: int) -> BoundPort:
    """Bind and listen on `port` of the loopback addresses that `host` means.

    With `localhost` a browser may come by either family, so each one has to be ours or absent from this
    machine: a stranger on the other family would receive the code.

    Args:
        port: the port; 0 lets the system choose one that is free in each family.

    Raises:
        OSError: `EADDRINUSE` when the port is in use in any family, `EACCES` or `EPERM` when it is refused.
        NoLoopback: this machine has none of the families.
    """
    for attempt in range(_EPHEMERAL_ATTEMPTS):
        try:
            return _bind_families(host, port)
        except OSError as error:
            # The port that the system chose in one family may be in use in the other: choose again.
            last = port != 0 or attempt == _EPHEMERAL_ATTEMPTS - 1
            if last or error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def free_port(host: str, port: int = 0) -> int:
    """Return `port`, or some port where it is 0, if it is free now in each family of `host`; else 0.

    It is bound and released again, so it is a suggestion: another program may take it before it is used.
    """
    try:
        bound = bind_loopback(host, port)
    except (OSError, NoLoopback):
        return 0
    bound.close()
    return bound.port


def another_port(host: str) -> int:
    """Return a free port to use instead of the usual one; 0 if there is none.

    It is one of the same few where that can be: the client that was registered for it is used again.
    """
    return next((port for port in OTHER_PORTS if free_port(host, port)), 0) or free_port(host)


def is_held(host: str, port: int) -> bool:
    """Return whether a program listens on `port` in a family of `host` and would receive the callback."""
    try:
        bind_loopback(host, port).close()
    except OSError as error:
        # This account may not have it (a port below 1024, say), and cannot find out whether another has.
        return _answers(host, port) if error.errno in _REFUSALS else error.errno == errno.EADDRINUSE
    except NoLoopback:
        return False
    return False


def _answers(host: str, port: int) -> bool:
    for family, address in _addresses(host):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(_ANSWER_SECONDS)
                probe.connect((address, port))
        except TimeoutError:  # a full queue: the port is in use
            return True
        except OSError:
            continue
        return True
    return False


def _bind_families(host: str, port: int) -> BoundPort:
    sockets: list[socket.socket] = []
    absent: list[socket.AddressFamily] = []
    with _closed_on_error(sockets):
        for family, address in _addresses(host):
            try:
                bound = _bind(family, address, port)
            except OSError as error:
                if error.errno not in _FAMILY_ABSENT:
                    raise
                absent.append(family)
            else:
                sockets.append(bound)
                # The second family gets the number of the first: one redirect URI is for both.
                port = bound.getsockname()[1]
    if not sockets:
        raise NoLoopback(host)
    families = tuple(FAMILY_NAMES[each.family] for each in sockets)
    notes = tuple(
        f"{FAMILY_NAMES[each]} is not available on this machine; listening only on {' and '.join(families)}."
        for each in absent
    )
    return BoundPort(tuple(sockets), port, families, notes)


@contextmanager
def _closed_on_error(sockets: list[socket.socket]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for each in sockets:
            each.close()
        raise


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """Return a listening socket on a loopback address.

    Listening follows at once: on Linux two sockets with SO_REUSEADDR may both bind, and only the first one
    to listen owns the port.
    """
    sock = socket.socket(family, socket.SOCK_STREAM)
    with _closed_on_error([sock]):
        _make_exclusive(sock)
        if family == socket.AF_INET6:
            # The other family has a socket of its own; by default Linux would give this one both.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address, port))
        # Listening before the browser is opened: a callback that comes at once finds the port.
        sock.listen(_BACKLOG)
    return sock


def _make_exclusive(sock: socket.socket) -> None:
    if sys.platform == "win32":
        # On Windows another program may bind a port that is in use, unless this is set.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    elif sys.platform == "linux":
        # Here it means only that closed connections in TIME_WAIT do not hold the port; a live listener still
        # refuses. On macOS it would let a wildcard listener and ours coexist, so it stays off.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


_MAX_PROCESSES: Final = 50_000
_MAX_DESCRIPTORS: Final = 1_000_000
# How a command line names authlens: its script, or its package after `-m`, or the file of that.
_PROGRAMS: Final = frozenset({"authlens", "authlens.exe", "authlens_tui", "__main__.py"})
_SERVERS: Final = frozenset({"emulator", "demo", "proxy"})


class PortOwner(Struct, frozen=True):
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
    sockets = [owner for name in ("tcp", "tcp6") for owner in _listening(proc / "net" / name, port)]
    if not sockets:
        return None
    process = _process_with({f"socket:[{inode}]" for inode, _ in sockets}, proc)
    user = _account(sockets[0][1])
    if process is None:
        return PortOwner(None, "", user)
    name = safe_line(_text_of(process / "comm").rstrip("\n"), NAME)
    return PortOwner(int(process.name), name, user, _is_login(_text_of(process / "cmdline").split("\0")))


def _listening(table: Path, port: int) -> Iterator[tuple[int, int]]:
    """Yield inode and account of every socket that listens on `port`."""
    try:
        with table.open(encoding="ascii", errors="replace") as lines:
            for each in linux_sockets.sockets(lines):
                if each.state != linux_sockets.LISTEN:
                    continue
                address, number = linux_sockets.endpoint(each.local)
                if number == port and _is_local(address):
                    yield each.inode, each.account
    except (OSError, ValueError):
        return


def _is_local(address: str | bytes) -> bool:
    ip = ipaddress.ip_address(address)
    # A socket of both families shows 127.0.0.1 as ::ffff:127.0.0.1.
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_unspecified


def _process_with(links: set[str], proc: Path) -> Path | None:
    """Return the folder of the process that has one of these open."""
    # `Path.glob` fails where a process ends meanwhile.
    for descriptor in islice(iglob("[0-9]*/fd/*", root_dir=proc), _MAX_DESCRIPTORS):  # noqa: PTH207
        with contextlib.suppress(OSError):
            if str((proc / descriptor).readlink()) in links:
                return (proc / descriptor).parents[1]
    return None


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def _is_login(arguments: Sequence[str]) -> bool:
    """Return whether a command line is that of authlens, and not of its emulator, which plays a server."""
    ours = [index for index, word in enumerate(arguments) if re.split(r"[/\\]", word)[-1] in _PROGRAMS]
    return bool(ours) and not _SERVERS.intersection(arguments[ours[0] + 1 :])


def _account(uid: int) -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    try:
        return safe_line(pwd.getpwuid(uid).pw_name, NAME)
    except KeyError:
        return str(uid)
