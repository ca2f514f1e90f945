"""`authlens mcp-bridge`: a remote MCP server behind a login, as a local one on standard input and output."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
from argparse import Namespace
from collections.abc import AsyncIterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Final

from authlens_core.desk.programs import bridge_mcp
from authlens_core.values.errors import UsageError
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import explain, say
from authlens_tui.cli.urls import checked_url

_CHUNK: Final = 256 * 1024  # bytes of one read
_WAITING: Final = 4  # chunks that are read before the bridge takes them


async def mcp_bridge(arguments: Namespace) -> int:
    """Serve until standard input closes.

    Neither a missing login nor a server that cannot be reached is the end: the client gets JSON-RPC errors
    until that has changed.

    Raises:
        UsageError: the URL cannot be used, or there is no standard input or output.
    """
    url = checked_url(arguments.url)
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("mcp-bridge needs standard input and output, but one of them is closed.")
    output = _Output()
    async with open_session() as session:
        chunks = _chunks(asyncio.get_running_loop())
        await bridge_mcp(
            session, url, chunks, output.write, note=say, on_problem=explain, **choice(arguments)
        )
    return 0


class _Output:
    """Standard output, for the protocol alone: whatever else writes there goes to stderr from now on.

    A thread writes it, as a client may be slow. It is a daemon: one that reads nothing does not keep the
    process from ending.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._descriptor = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY), 1)
        self._waiting: SimpleQueue[tuple[bytes, Future[None]]] = SimpleQueue()
        threading.Thread(target=self._write_all, daemon=True).start()

    async def write(self, line: bytes) -> None:
        """Write one line whole.

        Raises:
            BrokenPipeError: the client is gone.
        """
        written: Future[None] = Future()
        self._waiting.put((line, written))
        await asyncio.wrap_future(written)

    def _write_all(self) -> None:
        while True:
            line, written = self._waiting.get()
            if not written.set_running_or_notify_cancel():
                continue
            try:
                self._write_whole(line)
            except OSError as error:
                written.set_exception(error)
            else:
                written.set_result(None)

    def _write_whole(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])


async def _chunks(loop: asyncio.AbstractEventLoop) -> AsyncIterator[bytes]:
    """Yield what comes on standard input, whatever it is: a pipe, a file, a terminal.

    A thread reads it, because a file cannot be waited for by the event loop. It is a daemon that holds no
    lock of Python's own streams, so it never keeps the process from ending.
    """
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_WAITING)
    threading.Thread(target=_read, args=(loop, queue), daemon=True).start()
    while chunk := await queue.get():
        yield chunk


def _chunk(descriptor: int) -> bytes:
    """Return the next bytes; none at the end.

    A parent such as Node.js hands on pipes that do not block, and changing that would change its own end.
    """
    while True:
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:
            select.select([descriptor], [], [])


def _read(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[bytes]) -> None:
    """Put chunks into the queue, an empty one at the end."""
    descriptor = sys.stdin.fileno()
    try:
        while True:
            chunk = _chunk(descriptor)
            # Waits while the queue is full, so a client that writes faster than the server answers is slowed
            # down.
            asyncio.run_coroutine_threadsafe(queue.put(chunk), loop).result()
            if not chunk:
                return
    except (OSError, RuntimeError):  # the loop has ended: no one waits for chunks any more
        return
