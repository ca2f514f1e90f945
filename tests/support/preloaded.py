"""Processes of `authlens` without their start: forked from one that has loaded the program and run nothing.

Each is a process of its own, with its own memory, session, streams and exit code. What is saved is the second
of starting an interpreter and loading modules, which is the same in every one of hundreds of cases.
"""

import fcntl
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

PACKAGES: Final = ("authlens_core", "authlens_lab", "authlens_tui")


class Forked:
    """One process; it has what the tests use of `subprocess.Popen`.

    Attributes:
        pid: its number, and that of its session.
        returncode: its exit code once it was waited for, negative for a signal.
        peak: the most memory that it had, in KiB, from then on.
    """

    def __init__(self, report: int) -> None:
        """Take the pipe on which its keeper reports; only `Preloaded` makes these."""
        self._report = open(report, "rb", buffering=0)  # noqa: SIM115
        self.pid = int(self._report.readline())
        self.returncode: int | None = None
        self.peak = 0

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.returncode is None:
            if not select.select([self._report], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("authlens", timeout or 0)
            with self._report:
                self.returncode, self.peak = json.loads(self._report.readline())
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Preloaded:
    """The process that has loaded the program; made by `preloaded()`."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._turn = threading.Lock()

    def start(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        cwd: str = ".",
    ) -> Forked:
        """Run `authlens` with some arguments in a session of its own; a terminal as stdin becomes its own."""
        report, writing = os.pipe()
        order = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": cwd}).encode() + b"\n"
        with self._turn:
            socket.send_fds(self._orders, [order[:1]], [stdin, stdout, stderr, writing])
            self._orders.sendall(order[1:])
            os.close(writing)
            # It reports once the order is read: one that follows at once would be read with it.
            return Forked(report)


@contextmanager
def preloaded() -> Iterator[Preloaded]:
    """Load the program in a process; end that process."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            yield Preloaded(ours)
        finally:
            ours.close()
            process.wait(60)


def _serve(orders: socket.socket) -> None:
    """Fork a process for each order until there is nobody to give any."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.freeze()
    keepers: set[int] = set()
    while True:
        order, files, _, _ = socket.recv_fds(orders, 1, 4)
        if not order:
            break
        while not order.endswith(b"\n"):
            order += orders.recv(65_536)
        keeper = os.fork()
        if keeper == 0:
            orders.close()
            _keep(json.loads(order), files)
        for file in files:
            os.close(file)
        keepers = {one for one in (*keepers, keeper) if not os.waitpid(one, os.WNOHANG)[0]}
    for one in keepers:
        os.waitpid(one, 0)


def _keep(order: dict[str, object], files: list[int]) -> NoReturn:
    """Run the program in another process, and report its end."""
    *streams, report = files
    child = os.fork()
    if child == 0:
        os.close(report)
        _become(order, streams)
    for stream in streams:
        os.close(stream)
    os.write(report, b"%d\n" % child)
    _, status, usage = os.wait4(child, 0)
    os.write(report, json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]).encode() + b"\n")
    os._exit(0)


def _become(order: dict[str, object], streams: list[int]) -> NoReturn:
    """Be the program, as a new interpreter would be with these streams, and end with it."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    lines = os.isatty(1)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(  # type: ignore[misc]  # noqa: SIM115
        1, "w", encoding="utf-8", buffering=1 if lines else -1, closefd=False
    )
    sys.stderr = sys.__stderr__ = open(  # type: ignore[misc]  # noqa: SIM115
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    sys.argv = ["authlens", *order["arguments"]]  # type: ignore[misc]
    gc.unfreeze()
    from authlens_tui.cli.start import main

    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            output.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
