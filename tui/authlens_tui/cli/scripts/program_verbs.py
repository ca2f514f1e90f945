"""Other programs with the credential: `authlens curl`, `proxy`, `mcp-bridge` and `git-credential`."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
from argparse import Namespace
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from authlens_core.desk import programs
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.scripts.credential_verbs import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.flags import is_plain
from authlens_tui.cli.terminal.output import (
    BESIDE,
    answer_line,
    answer_secret,
    is_terminal,
    report_error,
    say,
    say_over,
)
from authlens_tui.cli.terminal.refused import refusal

_CHUNK: Final = 256 * 1024  # bytes of one read
_WAITING: Final = 4  # chunks that are read before the bridge takes them


async def curl(arguments: Namespace) -> int:
    """Run curl, and explain its response if it is a refusal.

    Raises:
        UsageError: curl is not installed, or an argument is not passed on to it.
        LoginNeeded: a user has to log in, and can.
        AuthlensError: another reason why no credential is available.
    """

    def note(sentence: str) -> None:
        say(f"{BESIDE}{sentence}")

    url = checked_url(arguments.url)
    outcome = await programs.curl(open_session, url, arguments.arguments, note=note, **choice(arguments))
    if outcome.problem is not None:
        report_error(outcome.problem, url=url, sign=BESIDE)
    return outcome.code


async def git_credential(arguments: Namespace) -> int:
    """Do what git asks for: `get` or `erase`; ignore every other operation, as gitcredentials(7) asks."""
    request = None if sys.stdin is None else sys.stdin.buffer
    answer = await programs.answer_git(open_session, arguments.action, request)
    if answer.error is not None:
        report_error(answer.error)
    for note in answer.notes:
        say(note)
    if answer.output is not None:
        answer_secret(answer.output)
    return answer.exit_code


async def proxy(arguments: Namespace) -> int:
    """Serve until a signal comes; the first line on stdout is the local URL.

    Raises:
        UsageError: the URL, the port or the socket cannot be used.
        LoginNeeded: there is no credential for the URL.
    """
    url = checked_url(arguments.url)
    path = None if arguments.socket is None else Path(arguments.socket)
    listening = {"port": arguments.port, "socket_path": path}
    async with (
        open_session() as session,
        programs.proxy(session, url, **listening, on_problem=report_error, **choice(arguments)) as served,
    ):
        answer_line(served.url)
        say(f"Serving {served.resource} with your credential to programs on this machine. Ctrl-C stops it.")
        status = asyncio.create_task(_show_status(served))
        try:
            await served.serve()
        finally:
            status.cancel()
            if _moves_cursor():
                say_over("")  # the last status is written over, whatever of ^C is beside it
            say(_status(served))
    return 0


def _status(served: programs.LocalProxy) -> str:
    counters = served.counters
    sentence = f"requests {counters.requests} · refreshes {served.refreshes} · errors {counters.errors}"
    return f"{sentence} · {counters.last_error}" if counters.last_error else sentence


def _moves_cursor() -> bool:
    return is_terminal(sys.stderr) and not is_plain()


async def _show_status(served: programs.LocalProxy) -> None:
    """Write the status when it changes: in place on a terminal, otherwise at most every ten seconds."""
    on_terminal = _moves_cursor()
    last_status = _status(served)
    while True:
        await asyncio.sleep(1.0 if on_terminal else 10.0)
        status = _status(served)
        if status != last_status:
            last_status = status
            (say_over if on_terminal else say)(status)


async def mcp_bridge(arguments: Namespace) -> int:
    """Serve until standard input closes.

    Neither a missing login nor a server that cannot be reached is the end: the client gets JSON-RPC errors
    until that has changed.

    Raises:
        UsageError: the URL cannot be used, or there is no standard input or output.
    """
    url = checked_url(arguments.url)
    if sys.stdin is None or sys.stdout is None:
        raise refusal("mcp-bridge needs standard input and output, but one of them is closed.")
    output = _Output()
    async with open_session() as session:
        chunks = _chunks(asyncio.get_running_loop())
        await programs.bridge_mcp(
            session, url, chunks, output.write, note=say, on_problem=report_error, **choice(arguments)
        )
    return 0


class _Output:
    """Standard output for the protocol alone; all other writes are redirected to stderr.

    A thread writes it, as a client may be slow. It is a daemon: one that reads nothing does not keep the
    process from ending.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._descriptor = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno() if sys.stderr is not None else os.open(os.devnull, os.O_WRONLY), 1)
        self._waiting: SimpleQueue[tuple[bytes, Future[None]]] = SimpleQueue()
        # In a thread: a client that reads slowly would stop the event loop, and with it every answer.
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
        unwritten = memoryview(line)
        while unwritten:
            try:
                unwritten = unwritten[os.write(self._descriptor, unwritten) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])


async def _chunks(loop: asyncio.AbstractEventLoop) -> AsyncIterator[bytes]:
    """Yield chunks of standard input, from a pipe, a file or a terminal.

    A thread reads it, because a file cannot be waited for by the event loop. It is a daemon that holds no
    lock of Python's own streams, so it never keeps the process from ending.
    """
    queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_WAITING)
    # In a thread, because asyncio waits for no regular file, and on Windows for no console.
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
