"""A full-screen program on a pty, seen from outside: first paint, cost, how soon a key shows."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

AUTHLENS: Final = (sys.executable, "-m", "authlens_tui")
_HYPERLINK: Final = re.compile(rb"\x1b\]8;[^;\x1b\x07]*;(http[^\x1b\x07]+)")
_TICKS = os.sysconf("SC_CLK_TCK")


class FullScreen:
    """A running program; made by `full_screen()`. All times are in seconds, memory is in bytes."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, began: float) -> None:
        self.process = process
        self.began = began
        self.seen = b""
        self._master = master

    def read(self, seconds: float) -> bytes:
        """Return what the program writes next, or nothing when it writes nothing for so long."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        if not ready:
            return b""
        with contextlib.suppress(OSError):
            data = os.read(self._master, 1 << 16)
            self.seen += data
            return data
        return b""

    def until(self, text: str, seconds: float = 60.0) -> float:
        """Wait for a text on one row and return the seconds from the start of the process to its bytes.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.perf_counter() + seconds
        while text.encode() not in self.seen:
            if time.perf_counter() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"no {text!r} on the screen; last bytes: {self.seen[-300:]!r}")
            self.read(0.2)
        return time.perf_counter() - self.began

    def until_link(self, part: str, seconds: float = 60.0) -> str:
        """Wait for a hyperlink that has `part` in its address; return the address.

        Raises:
            TimeoutError: it did not come.
        """
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            for found in _HYPERLINK.findall(self.seen):
                if part.encode() in found:
                    return str(found.decode())
            self.read(0.2)
        raise TimeoutError(f"no link with {part!r} on the screen")

    def settle(self, quiet: float = 0.7, most: float = 30.0) -> None:
        deadline = time.perf_counter() + most
        while self.read(quiet) and time.perf_counter() < deadline:
            continue

    def press(self, key: bytes) -> float:
        """Press a key and return the seconds until the program writes something."""
        while self.read(0.0):
            continue
        began = time.perf_counter()
        os.write(self._master, key)
        self.read(5.0)
        return time.perf_counter() - began

    def echo(self, keys: Sequence[bytes], presses: int, gap: float = 0.12) -> tuple[float, ...]:
        """Return the seconds that each of so many presses waits."""
        self.settle(gap, 2.0)  # what was written before, while another program was measured
        waits = []
        for number in range(presses):
            waits.append(self.press(keys[number % len(keys)]))
            self.settle(gap, 2.0)
        return tuple(waits)

    def processor_share(self, seconds: float) -> float:
        """Return the share of one processor that the program and its children use while nothing happens."""
        used, began = self._processor_seconds(), time.perf_counter()
        while (left := seconds - (time.perf_counter() - began)) > 0:
            self.read(left)
        return (self._processor_seconds() - used) / (time.perf_counter() - began)

    def memory(self) -> tuple[int, int]:
        return _resident(self.process.pid), sum(map(_resident, _descendants(self.process.pid)))

    def _processor_seconds(self) -> float:
        total = 0
        for pid in (self.process.pid, *_descendants(self.process.pid)):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / _TICKS


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *_descendants(child)]
    return found


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def full_screen(command: Sequence[str], env: Mapping[str, str]) -> Iterator[FullScreen]:
    """Run a program in a terminal of 120 x 40; it is killed at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**env, **terminal}, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        yield FullScreen(process, master, began)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)
