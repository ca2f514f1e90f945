"""Connecting to a name that may have several addresses (RFC 8305): the first that answers is used."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, Final

_HEAD_START: Final = 0.25
"""Seconds that an address has before the next is tried beside it."""
_Found = tuple[int, int, int, str, Any]


async def dial(host: str, port: int) -> socket.socket:
    """Return a socket that is connected to `host`.

    Raises:
        OSError: no address of it could be connected to; the error is that of the last one.
    """
    waiting = _alternating(await _addresses(host, port))
    trying: set[asyncio.Task[socket.socket]] = set()
    failed: BaseException = OSError()
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_connected(waiting.pop(0))))
            done, _ = await asyncio.wait(
                trying, timeout=_HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                trying.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                failed = error
        raise failed
    finally:
        for task in trying:
            task.add_done_callback(_close)
            task.cancel()


async def _addresses(host: str, port: int) -> Sequence[_Found]:
    with suppress(OSError):  # an address needs no thread to be looked up in
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _alternating(found: Sequence[_Found]) -> list[_Found]:
    """Return the addresses with the two families in turn, beginning with that of the first."""
    first = [one for one in found if one[0] == found[0][0]]
    others = [one for one in found if one[0] != found[0][0]]
    return [one for one in chain.from_iterable(zip_longest(first, others)) if one is not None]


async def _connected(found: _Found) -> socket.socket:
    family, kind, protocol, _, address = found
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()
