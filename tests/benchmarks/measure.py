"""Print the table of docs/performance.md: `python tests/benchmarks/measure.py [--runs N] [FIGURE ...]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table.figures import FIGURES


def main() -> int:
    """Measure what is asked for; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(one.name for one in FIGURES))
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each comparison (9)")
    arguments = parser.parse_args()
    wanted = [one for one in FIGURES if not arguments.figures or one.name in arguments.figures]
    _line(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}")
    _line(f"{arguments.runs} runs each after a warm-up: medians, smallest and largest in brackets")
    _line("\n| figure | value | goal | met | how it came about |\n|---|---|---|---|---|")
    missed = False
    for figure in wanted:
        with tempfile.TemporaryDirectory() as folder:
            found = figure.measure(Path(folder) / "home", arguments.runs)
        met = found.value <= figure.goal
        missed |= not met
        value, goal = f"{found.value:.2f} {figure.unit}", f"≤ {figure.goal:g} {figure.unit}"
        _line(f"| {figure.name} | {value} | {goal} | {'yes' if met else 'no'} | {found.detail} |")
    return int(missed)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
