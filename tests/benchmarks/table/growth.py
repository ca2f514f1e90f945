"""What grows: the same figure with little and with much, to see that it does not grow along."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from authlens_core.credentials.records.index import Index
from benchmarks.table.homes import FIRST_URL, environment, filled
from benchmarks.table.large_answer import large_session
from benchmarks.table.processes import Spread, run_seconds
from benchmarks.table.screen import AUTHLENS, full_screen

MOST: Final = 1.5
"""How many times the smallest the largest may be."""

CREDENTIALS: Final = (1, 100, 2_000)
EVENTS: Final = (1_000, 10_000, 100_000)
ANSWERS: Final = (1024, 64 * 1024, 1024 * 1024, 4 * 1024 * 1024)
KEYS: Final = (b"\x1b[B", b"\x1b[B", b"\x1b[A")
PAGES: Final = (b"\x1b[6~", b"\x1b[B", b"\x1b[5~")


@dataclass(frozen=True, slots=True)
class Growth:
    """One figure at several sizes, of which `of` says what they count.

    Attributes:
        measure: returns the seconds at one size, measured `runs` times in an empty folder.
    """

    name: str
    of: str
    sizes: Sequence[int]
    measure: Callable[[Path, int, int], Spread]


def token(home: Path, size: int, runs: int) -> Spread:
    """`authlens token` among so many credentials."""
    env = filled(home, size)
    command = [*AUTHLENS, "token", FIRST_URL]
    run_seconds(command, env)
    return Spread(tuple(run_seconds(command, env) for _ in range(runs)))


def first_paint(home: Path, size: int, runs: int) -> Spread:
    """The dashboard until its first row is there."""
    env = filled(home, size)

    def painted() -> float:
        with full_screen(AUTHLENS, env) as screen:
            return screen.until("host-")

    painted()
    return Spread(tuple(painted() for _ in range(runs)))


def key_echo(home: Path, size: int, runs: int) -> Spread:
    """A press on the dashboard until something is written."""
    with full_screen(AUTHLENS, filled(home, size)) as screen:
        screen.until("host-")
        screen.settle(1.5, 8.0)
        return Spread(screen.echo(KEYS[:1], 4 * runs))


def events(home: Path, size: int, runs: int) -> Spread:
    """The newest events of one credential, among so many of a hundred others."""
    home.mkdir(mode=0o700)
    index = Index(home / "index.sqlite3")
    try:
        with index.writing() as connection:
            connection.executemany(
                "INSERT INTO events (at, kind, grant_id, detail, resource) VALUES (?, ?, ?, ?, ?)",
                (
                    ("2026-01-01T00:00:00+00:00", "refreshed", f"id-{number % 100}", "", "")
                    for number in range(size)
                ),
            )
        taken = []
        for _ in range(max(50, runs)):
            began = time.perf_counter()
            index.events("id-7", 8)
            taken.append(time.perf_counter() - began)
        return Spread(tuple(taken))
    finally:
        index.close()


def answer(home: Path, size: int, runs: int) -> Spread:
    """A press in a recorded answer of so many bytes of JSON."""
    home.mkdir()
    with full_screen((*AUTHLENS, "open", str(large_session(home, size))), environment(home)) as screen:
        screen.until("Access")
        screen.settle()
        screen.press(b"3")
        screen.settle(1.5)
        return Spread(screen.echo(PAGES[:1], 4 * runs))


GROWTHS: Final = (
    Growth("token", "credentials", CREDENTIALS, token),
    Growth("first-paint", "credentials", CREDENTIALS, first_paint),
    Growth("key-echo", "credentials", CREDENTIALS[1:], key_echo),  # in a table of one row no key moves
    Growth("events", "events", EVENTS, events),
    Growth("answer", "bytes", ANSWERS, answer),
)
