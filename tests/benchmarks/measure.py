"""Print the tables of docs/internals/performance.md: `python tests/benchmarks/measure.py [FIGURE ...]`."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table.figures import FIGURES, Figure
from benchmarks.table.growth import GROWTHS, MOST, Growth

PAGE = Path(__file__).parents[2] / "docs" / "internals" / "performance.md"
BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"


def main() -> int:
    """Measure what is asked for; 1 when a goal is missed."""
    names = [*(one.name for one in FIGURES), *(f"{one.name}-growth" for one in GROWTHS)]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=", ".join(names))
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each comparison (9)")
    parser.add_argument(
        "--page", action="store_true", help="write the result into docs/internals/performance.md"
    )
    arguments = parser.parse_args()
    wanted = arguments.figures or names
    if unknown := [one for one in wanted if one not in names]:
        parser.error(f"there is no figure {unknown[0]}")
    lines: list[str] = []
    runs = arguments.runs
    for line in chain(_machine(runs), _figures(wanted, runs), _growth(wanted, runs)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        lines.append(line)
    if arguments.page:
        head, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text("\n".join((f"{head}{BEGIN}", "", *lines, "", f"{END}{rest.split(END)[1]}")))
    return int(any("| **no** |" in line for line in lines))


def _machine(runs: int) -> Iterator[str]:
    model = next(
        (line.partition(":")[2].strip() for line in _cpu_lines() if line.startswith("model name")), ""
    )
    yield (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores {model}, Python "
        f"{platform.python_version()}. {runs} runs each after a warm-up: medians, smallest and largest "
        "in brackets."
    )


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def _figures(wanted: Sequence[str], runs: int) -> Iterator[str]:
    figures = [one for one in FIGURES if one.name in wanted]
    if figures:
        yield from ("", "| figure | value | goal | met | how it came about |", "|---|---|---|---|---|")
    for figure in figures:
        yield _figure(figure, runs)


def _figure(figure: Figure, runs: int) -> str:
    goal = f"≤ {figure.goal:g} {figure.unit}"
    if figure.beside and not shutil.which(figure.beside):
        return f"| {figure.name} | – | {goal} | – | {figure.beside} is not installed |"
    with tempfile.TemporaryDirectory() as folder:
        found = figure.measure(Path(folder) / "home", runs)
    met = "yes" if found.value <= figure.goal else "**no**"
    return f"| {figure.name} | {found.value:.2f} {figure.unit} | {goal} | {met} | {found.detail} |"


def _growth(wanted: Sequence[str], runs: int) -> Iterator[str]:
    growths = [one for one in GROWTHS if f"{one.name}-growth" in wanted]
    if growths:
        yield from ("", "| figure | at each size | largest ÷ smallest | flat |", "|---|---|---|---|")
    for growth in growths:
        yield _growth_row(growth, runs)


def _growth_row(growth: Growth, runs: int) -> str:
    found = []
    for size in growth.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found.append((size, growth.measure(Path(folder) / "home", size, runs)))
    medians = [spread.median for _, spread in found]
    ratio = medians[-1] / medians[0]
    shown = " · ".join(f"{size:,}: {1e3 * spread.median:.3g} ms" for size, spread in found)
    flat = "yes" if ratio <= MOST else "**no**"
    return f"| {growth.name}-growth | {growth.of}: {shown} | {ratio:.2f} × | {flat} |"


if __name__ == "__main__":
    sys.exit(main())
