"""`authlens login` as a process at a wild server, with a browser that comes back at once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.preloaded import Forked, Preloaded
from support.waiting import PATIENCE
from support.wild_server import WildServer

AUTHLENS = (sys.executable, "-m", "authlens_tui")
STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Ended:
    """What a process left.

    Attributes:
        code: its exit code.
        events: the JSON lines of its stdout.
        answer: its stdout.
        words: its stderr.
        peak: the most memory that it had, in KiB.
        left: whether a process of its session is still there.
    """

    code: int
    events: Sequence[Mapping[str, Any]]
    answer: str
    words: str
    peak: int
    left: bool


def machine_with_file_store(directory: Path) -> dict[str, str]:
    machine = {**os.environ, "AUTHLENS_HOME": str(directory)}
    subprocess.run([*AUTHLENS, "store", "--move", "file", "--yes"], env=machine, check=True, timeout=PATIENCE)
    return machine


async def come_back(server: WildServer, authorization_url: str) -> None:
    """Open the callback as the browser does after a login at the server."""
    given = parse_qs(urlsplit(authorization_url).query)
    port = urlsplit(given["redirect_uri"][0]).port
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        target = f"/callback?{server.callback(authorization_url)}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        await reader.read()
        writer.close()


@dataclass
class LoginProcess:
    """One `authlens login --json`; `run()` it once.

    Args:
        machine: its environment.
        server: where it logs in.
        options: more options.
        program: what forks it; without, an interpreter of its own is started.
        opens: whether someone opens its link.
    """

    machine: Mapping[str, str]
    server: WildServer
    options: tuple[str, ...] = ()
    program: Preloaded | None = None
    opens: bool = True
    _process: subprocess.Popen[bytes] | Forked | None = None
    _browsers: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, bound: float) -> Ended:
        """Run it to its end, `bound` seconds after the server's first changed answer at the latest."""
        self.server.changed.clear()
        ending = asyncio.create_task(asyncio.to_thread(self._run, asyncio.get_running_loop()))
        changed = asyncio.create_task(self.server.changed.wait())
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                await asyncio.wait({ending, changed}, return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(bound):
                return await asyncio.shield(ending)
        finally:
            changed.cancel()
            if self._process is not None and self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.gather(ending, *self._browsers, return_exceptions=True)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _run(self, loop: asyncio.AbstractEventLoop) -> Ended:
        output, writing = os.pipe()
        words = Path(self.machine["AUTHLENS_HOME"]).with_suffix(".stderr")
        with open(os.devnull, "rb") as nothing, words.open("wb") as stderr:
            process = self._process = self._start(nothing.fileno(), writing, stderr.fileno())
        os.close(writing)
        lines = []
        with open(output, "rb") as stdout:
            for line in stdout:
                lines.append(line)
                event = json.loads(line)
                if event["event"] == "authorization_url" and self.opens:
                    loop.call_soon_threadsafe(self._browse, event["url"])
        code, peak = _end(process)
        return Ended(
            code,
            [json.loads(line) for line in lines],
            b"".join(lines).decode(),
            words.read_text("utf-8"),
            peak,
            _lives(process.pid),
        )

    def _start(self, stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes] | Forked:
        events = ("--no-browser", "--json", "--full", "--timeout", "3")
        arguments = ("login", f"{self.server.url}/api", "--port", "0", *events, *self.options)
        if self.program is not None:
            return self.program.start(arguments, self.machine, stdin=stdin, stdout=stdout, stderr=stderr)
        command = [*AUTHLENS, *arguments]
        return subprocess.Popen(
            command, env=self.machine, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    def _browse(self, url: str) -> None:
        self._browsers.add(asyncio.create_task(come_back(self.server, url)))


def _end(process: subprocess.Popen[bytes] | Forked) -> tuple[int, int]:
    """Wait for the end of a process; return its exit code, and the most memory that it had."""
    if isinstance(process, Forked):
        return process.wait(), process.peak
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
