"""Listening sockets on loopback, bound before anything is served, so that a URL is true once it is known."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from typing import Final

BACKLOG: Final = 128
# Attempts to find a port that is free in both families.
ATTEMPTS: Final = 16
NO_IPV6: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket on a loopback address; port 0 picks a free one.

    Raises:
        OSError: the port is in use, or the address family is missing.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, because asyncio turns Nagle's delay of 40 ms off only where the protocol is not 0.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def bind_both(port: int) -> list[socket.socket]:
    """Return listening sockets on 127.0.0.1 and, where there is one, ::1, with one port between them.

    Raises:
        OSError: the port is in use on one of them.
    """
    if port == 0:
        for _ in range(ATTEMPTS):  # a port that is free on 127.0.0.1 may be in use on ::1
            with contextlib.suppress(OSError):
                return _bind_pair(0)
    return _bind_pair(port)


def _bind_pair(port: int) -> list[socket.socket]:
    first = bind("127.0.0.1", port)
    try:
        return [first, bind("::1", first.getsockname()[1])]
    except OSError as error:
        if error.errno in NO_IPV6:
            return [first]
        first.close()
        raise


def close_all(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()
    listeners.clear()
