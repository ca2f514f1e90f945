"""The figures: what each is, its goal, and how it is measured."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from authlens_lab.emulator import play_person
from benchmarks.table.homes import FIRST_URL, environment, filled
from benchmarks.table.large_answer import large_session
from benchmarks.table.logins import (
    Client,
    bare_process,
    bare_requests,
    emulator_process,
    our_process,
    our_requests,
)
from benchmarks.table.processes import Spread, in_turn, run_seconds
from benchmarks.table.screen import AUTHLENS, FullScreen, full_screen

BARE_PROGRAM: Final = (sys.executable, str(Path(__file__).with_name("bare.py")))
BARE: Final = (*BARE_PROGRAM, "table")
POSTING: Final = "posting"
KEYS: Final = (b"\x1b[B", b"\x1b[B", b"\x1b[B", b"\x1b[A")
PAGES: Final = (b"\x1b[6~", b"\x1b[6~", b"\x1b[B", b"\x1b[5~")
PRESSES: Final = 40
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """What one figure came to: the value that has a goal, and how it came about."""

    value: float
    detail: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `goal` is the largest value allowed; `unit` is `×` for a ratio.

    Attributes:
        beside: the program that it is compared with, if that has to be installed first.
    """

    name: str
    goal: float
    unit: str
    measure: Callable[[Path, int], Measured]
    beside: str = ""


def _ratio(ours: Callable[[], float], reference: Callable[[], float], runs: int) -> Measured:
    a, b, ratio = in_turn(ours, reference, runs)
    return Measured(ratio.median, f"{a.text(1e3, 'ms')} to {b.text(1e3, 'ms')}")


def _beside_clients(
    ours: Callable[[], float], bare: Callable[[Client], float], runs: int, reference: Client
) -> Measured:
    """Return the ratio to one of the bare clients; the words have the other one, too."""
    times: list[float] = []
    other = Client.SYNCHRONOUS if reference is Client.ASYNCHRONOUS else Client.ASYNCHRONOUS

    def both() -> float:
        times.append(bare(other))
        return bare(reference)

    a, b, ratio = in_turn(ours, both, runs)
    beside = Spread(tuple(times[-runs:]))
    words = f"{a.median / beside.median:.2f} × {other.words}: {beside.text(1e3, 'ms')}"
    return Measured(ratio.median, f"{a.text(1e3, 'ms')} to {b.text(1e3, 'ms')}; {words}")


def _slowest(screen: FullScreen, keys: Sequence[bytes], runs: int, *words: str) -> Measured:
    return _measured([screen.echo(keys, PRESSES) for _ in range(_series(runs))], *words)


def _slowest_beside(
    screen: FullScreen, bare: FullScreen, keys: Sequence[bytes], runs: int, name: str, *words: str
) -> Measured:
    """Return the same, measured in turn with a bare program; the words have the slowest press there, too."""
    pairs = [(screen.echo(keys, PRESSES), bare.echo(keys, PRESSES)) for _ in range(_series(runs))]
    theirs = _SlowestPress.of([theirs for _, theirs in pairs])
    return _measured([ours for ours, _ in pairs], f"of {name}: {theirs.text}", *words)


def _measured(series: Sequence[Sequence[float]], *words: str) -> Measured:
    slowest = _SlowestPress.of(series)
    return Measured(1e3 * slowest.usual, ", ".join((f"slowest of {PRESSES} presses: {slowest.text}", *words)))


@dataclass(frozen=True, slots=True)
class _SlowestPress:
    """The slowest press of a series that was repeated, in seconds.

    The machine stops for 20 to 40 ms now and then, which hits another press in each series; what the program
    does hits the same one.
    """

    usual: float
    """Each press as the median of the series."""
    at_most: float

    @classmethod
    def of(cls, series: Sequence[Sequence[float]]) -> _SlowestPress:
        return cls(max(map(median, zip(*series, strict=True))), max(map(max, series)))

    @property
    def text(self) -> str:
        return f"{1e3 * self.usual:.0f} ms ({1e3 * self.at_most:.0f} at most)"


def _series(runs: int) -> int:
    return max(1, (runs + 1) // 2)


def token(home: Path, runs: int) -> Measured:
    """`authlens token` with a valid token beside `keyring get` on the same store."""
    env = filled(home, 1)
    run_seconds([*AUTHLENS, "token", FIRST_URL], env)
    get = [sys.executable, "-m", "keyring", "get", "benchmark", "user"]
    run_seconds([*get[:3], "set", "benchmark", "user"], {**env, "PYTHONWARNINGS": "ignore"}, stdin=b"x" * 72)
    return _ratio(
        lambda: run_seconds([*AUTHLENS, "token", FIRST_URL], env), lambda: run_seconds(get, env), runs
    )


def first_paint(home: Path, runs: int) -> Measured:
    """The dashboard with one credential beside a bare Textual app with one row."""
    env = filled(home, 1)
    return _ratio(
        lambda: _painted(AUTHLENS, "host-0.example.com", env),
        lambda: _painted((*BARE, "1"), "host-0.example.com", env),
        runs,
    )


def first_paint_beside_posting(home: Path, runs: int) -> Measured:
    """The same beside Posting without a request, until the field for the URL is there."""
    env = {**filled(home, 1), "HOME": str(home)}
    program = shutil.which(POSTING) or POSTING
    return _ratio(
        lambda: _painted(AUTHLENS, "host-0.example.com", env),
        lambda: _painted((program,), "Enter a URL", env),
        runs,
    )


def _painted(command: Sequence[str], words: str, env: dict[str, str]) -> float:
    with full_screen(command, env) as screen:
        return screen.until(words)


def memory(home: Path, runs: int) -> Measured:
    """The app after a login at a server in another process, beside a bare Textual app."""
    del runs
    ours, children = _after_a_login(environment(home))
    with full_screen((*BARE, "1"), environment(home)) as screen:
        screen.until("host-0.example.com")
        screen.settle()
        bare, _ = screen.memory()
    detail = f"{ours / MIB:.0f} MiB to {bare / MIB:.0f} MiB, {children / MIB:.0f} MiB in children"
    return Measured(ours / bare, detail)


def memory_of_children(home: Path, runs: int) -> Measured:
    del runs
    _, children = _after_a_login(environment(home))
    return Measured(children / MIB, "resident after a login")


def _after_a_login(env: dict[str, str]) -> tuple[int, int]:
    with emulator_process(env) as url, full_screen((*AUTHLENS, url, "--port", "0"), env) as screen:
        screen.until("Detection")
        screen.settle()
        screen.press(b"a")
        asyncio.run(play_person(screen.until_link("authoriz")))
        screen.settle()
        screen.press(b"s")
        screen.until("uthenticated")
        screen.settle()
        return screen.memory()


def idle(home: Path, runs: int) -> Measured:
    with _dashboard(filled(home, 2_000)) as screen:
        shares = tuple(screen.processor_share(5.0) for _ in range(max(2, runs // 3)))
    return Measured(100 * Spread(shares).median, "of one processor, over 5 s each")


def key_echo(home: Path, runs: int) -> Measured:
    """2,000 credentials: the slowest of 40 presses, and that of a bare table with as many rows."""
    env = filled(home, 2_000)
    with full_screen((*BARE, "2000"), env) as bare, _dashboard(env) as screen:
        bare.until("host-")
        bare.settle(1.5, 8.0)
        return _slowest_beside(screen, bare, KEYS, runs, "a bare table")


def key_echo_beside_a_writer(home: Path, runs: int) -> Measured:
    """The same while another process holds the index's write lock."""
    with _dashboard(filled(home, 2_000)) as screen:
        holder = sqlite3.connect(home / "state" / "index.sqlite3", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        try:
            return _slowest(screen, KEYS, runs, "index held")
        finally:
            holder.execute("ROLLBACK")
            holder.close()


def large_answer(home: Path, runs: int) -> Measured:
    """A recorded answer of 1 MiB of JSON: the slowest press while it is read, and in a bare log."""
    env = environment(home)
    home.mkdir(exist_ok=True)
    with full_screen((*AUTHLENS, "open", str(large_session(home, MIB))), env) as screen:
        screen.until("Access")
        screen.settle()
        opened = time.perf_counter() - screen.began
        screen.press(b"3")
        shown = screen.until("member_0") - opened  # a key that scrolls has nothing to show before
        screen.settle()
        with full_screen((*BARE_PROGRAM, "log", "100000"), env) as bare:
            bare.until("member_0")
            bare.settle()
            after = f"once it is shown: after {1e3 * shown:.0f} ms"
            return _slowest_beside(screen, bare, PAGES, runs, "a bare log of 100,000 lines", after)


def requests(home: Path, runs: int) -> Measured:
    """The requests of a login in the engine beside the same by httpx."""
    with emulator_process(environment(home)) as url:
        return _beside_clients(
            lambda: asyncio.run(our_requests(url)),
            lambda kind: asyncio.run(bare_requests(url, kind)),
            runs,
            Client.ASYNCHRONOUS,
        )


def login(home: Path, runs: int) -> Measured:
    """`authlens login` from start to exit beside a bare client."""
    env = filled(home, 0)
    with emulator_process(env) as url:
        return _beside_clients(
            lambda: our_process(url, env),
            lambda kind: bare_process(url, env, kind),
            runs,
            Client.SYNCHRONOUS,
        )


@contextmanager
def _dashboard(env: dict[str, str]) -> Iterator[FullScreen]:
    with full_screen(AUTHLENS, env) as screen:
        screen.until("host-")
        screen.settle(1.5, 8.0)
        yield screen


FIGURES: Final = (
    Figure("token", 0.5, "×", token),
    Figure("first-paint", 1.25, "×", first_paint),
    Figure("first-paint-posting", 0.35, "×", first_paint_beside_posting, beside=POSTING),
    Figure("memory", 2.0, "×", memory),
    Figure("memory-children", 12.0, "MiB", memory_of_children),
    Figure("idle-2000", 2.0, "%", idle),
    Figure("key-echo-2000", 30.0, "ms", key_echo),
    Figure("key-echo-index-held", 100.0, "ms", key_echo_beside_a_writer),
    Figure("requests", 1.2, "×", requests),
    Figure("login-process", 1.45, "×", login),
    Figure("large-answer", 30.0, "ms", large_answer),
)
