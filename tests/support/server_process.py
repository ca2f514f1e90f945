"""A server that runs as a process of its own for the length of a test."""

import asyncio
import json
import os
import selectors
import subprocess
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.waiting import PATIENCE

_GRACE = 5.0
"""Seconds in which a process that is asked to go may end what it has started itself."""


async def ended(
    process: Process, typed: bytes | None = None, seconds: float = PATIENCE
) -> tuple[bytes, bytes]:
    """Return what a process wrote up to its end; end it where that does not come, or nobody waits for it.

    Raises:
        TimeoutError: it did not end within `seconds`.
    """
    try:
        return await asyncio.wait_for(process.communicate(typed), seconds)
    finally:
        await _end(process)


@asynccontextmanager
async def child(*command: str, **options: Any) -> AsyncIterator[Process]:
    """Start a process; end it at the end of the block where it still runs."""
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    for end in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):  # what it started may still hold the pipes
            await asyncio.wait_for(process.communicate(), _GRACE)


READY_SECONDS = 60.0
STOP_SECONDS = 5.0


class ServerFailed(Exception):
    """The server ended, or said nothing, before it was ready; the message carries its log."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server.

    Attributes:
        ready: the JSON object that the server printed when it was up.
        log: the file that its standard error goes to.
    """

    ready: Mapping[str, Any]
    log: Path

    @property
    def resource(self) -> str:
        return str(self.ready["resource"])

    @property
    def issuer(self) -> str:
        return str(self.ready["issuer"])


@contextmanager
def serve(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[ServerProcess]:
    """Start a server, wait for its line of JSON, and stop it at the end, by force if it must be.

    Closing its standard input asks the server to go; the log stays for whoever reads a failure.

    Raises:
        ServerFailed: when no line of JSON came in time.
    """
    environment = dict(os.environ if env is None else env)
    with (
        log.open("wb") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
        ) as process,
    ):
        try:
            yield ServerProcess(_read_ready_line(process, log), log)
        finally:
            _stop(process)


def _read_ready_line(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    if process.stdout is None:
        raise ServerFailed("the server has no standard output")
    descriptor = process.stdout.fileno()
    deadline = time.monotonic() + READY_SECONDS
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while b"\n" not in line:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise ServerFailed(f"not ready after {READY_SECONDS:g} s\n{log.read_text(errors='replace')}")
            piece = os.read(descriptor, 65_536)
            if not piece:
                raise ServerFailed(f"ended before it was ready\n{log.read_text(errors='replace')}")
            line += piece
    ready: dict[str, Any] = json.loads(line.split(b"\n", 1)[0])
    return ready


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
