"""Whose program is at the other end of a connection: the secret path alone is not enough.

Another account of this machine can read the path in the arguments of a client (`ps`), and connect.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from authlens_core.gateway.refusal import ProxyRefusal
from authlens_core.grammars import linux_sockets
from authlens_core.grammars.linux_sockets import Endpoint

_ROOT: Final = 0
_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# A table is read in pieces, and a socket may move from a piece to come to one that was read.
_READINGS: Final = 3
_UCRED: Final = struct.Struct("=iII")  # pid, uid, gid (unix(7), SO_PEERCRED)
_CURE: Final = "Use a Unix socket: authlens proxy URL --socket PATH"


def refused_peer(connection: socket.socket) -> ProxyRefusal | None:
    """Return why the other end is not served, or None for a program of this account, or of root.

    Root can read the memory of this process anyway. Linux says whose a socket is; where it does not, no one
    is served. Other systems do not say, and there everyone is who knows the secret path.
    """
    if sys.platform != "linux":
        return None
    return judged(account_of_peer(connection), os.geteuid())


def judged(account: int | None, own: int) -> ProxyRefusal | None:
    """Return why a program of `account` is not served by a process of `own`; None if it is."""
    if account is None:
        cause = "The system does not report which account this connection is from."
        return ProxyRefusal(403, "unknown_account", cause, _CURE)
    if account in (own, _ROOT):
        return None
    cause = "This connection is from another account on this machine."
    return ProxyRefusal(403, "other_account", cause, "Run authlens login and authlens proxy in that account.")


def account_of_peer(connection: socket.socket) -> int | None:
    """Return the user id of the program at the other end; None if the system does not say."""
    try:
        if connection.family == socket.AF_UNIX:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            return int(_UCRED.unpack(credentials)[1])
        peer, own = connection.getpeername(), connection.getsockname()
    except OSError:
        return None  # it is closed already
    try:
        return _asked(peer, own)
    except (OSError, linux_sockets.NotAnAnswer):
        # A kernel without sock_diag(7) answers as for a socket that is gone.
        return account_in(_TABLES, peer, own)


def _asked(peer: Endpoint, own: Endpoint) -> int | None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, linux_sockets.NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)
        kernel.send(linux_sockets.owner_question(peer, own))
        owner = linux_sockets.read_owner(kernel.recv(linux_sockets.LONGEST_ANSWER))
    return owner.account if owner.inode else None


def account_in(tables: Iterable[Path], peer: Endpoint, own: Endpoint) -> int | None:
    """Return the account as tables such as /proc/net/tcp show it: for kernels without sock_diag(7)."""
    local, remote = linux_sockets.spellings(*peer), linux_sockets.spellings(*own)
    for table in [*tables] * _READINGS:
        try:
            with table.open(encoding="ascii", errors="replace") as lines:
                for each in linux_sockets.sockets(lines):
                    if each.local in local and each.remote in remote:
                        return each.account if each.inode else None
        except OSError:
            continue
    return None
