"""Whole processes, timed from outside, in turn with a reference so that a slower machine slows both."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing, all in one unit."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, scale: float, unit: str) -> str:
        low, high = min(self.values) * scale, max(self.values) * scale
        return f"{self.median * scale:.0f} {unit} ({low:.0f}-{high:.0f})"


def run_seconds(command: Sequence[str], env: Mapping[str, str], stdin: bytes = b"") -> float:
    """Run a command to its end and return the seconds it took.

    Raises:
        RuntimeError: it failed, and its time means nothing.
    """
    began = time.perf_counter()
    done = subprocess.run(command, env=dict(env), capture_output=True, input=stdin, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {os.fsdecode(done.stderr[-500:])}")
    return seconds


def in_turn(
    ours: Callable[[], float], reference: Callable[[], float], runs: int, *, warm_up: int = 1
) -> tuple[Spread, Spread, Spread]:
    """Measure two things in turn; return ours, the reference, and the ratio of each pair."""
    for _ in range(warm_up):
        ours()
        reference()
    pairs = [(ours(), reference()) for _ in range(runs)]
    return (
        Spread(tuple(a for a, _ in pairs)),
        Spread(tuple(b for _, b in pairs)),
        Spread(tuple(a / b for a, b in pairs)),
    )
