"""Measure the house: `python scripts/size.py [--write]` compares it with tests/architecture/size.toml.

`--write` lowers the budget of what has shrunk, adds a new part and drops one that is gone. It raises nothing:
that is a line that you write, in a commit that says what a user gets for it.
"""

from __future__ import annotations

import ast
import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import house_map
from authlens_core.values.word_files import words
from authlens_tui.cli.parser import VERBS

FILE: Final = house_map.ROOT / "tests" / "architecture" / "size.toml"
_TUI: Final = house_map.ROOT / "tui" / "authlens_tui"
_HEAD: Final = """\
# What each part weighs at most: syntax nodes of a room, lines, and how many there are. When something became
# smaller, `python scripts/size.py --write` lowers its budget. Raise one by hand, in a commit that says what a
# user gets for it.
"""
_DATA: Final = {".toml", ".json", ".md"}
_TEST_DATA: Final = {".toml", ".json", ".txt"}
_INSTALLED: Final = {"node_modules", "__pycache__"}

Sizes = Mapping[str, Mapping[str, int]]


def _files(*roots: str) -> Iterator[Path]:
    for root in roots:
        for folder, below, names in os.walk(house_map.ROOT / root):
            below[:] = [name for name in below if name not in _INSTALLED]
            yield from (Path(folder, name) for name in names)


def _lines(files: Iterator[Path], suffixes: set[str]) -> int:
    return sum(file.read_bytes().count(b"\n") for file in files if file.suffix in suffixes)


def _options(arguments: Mapping[str, Any]) -> int:
    """Return how many options a table of a verb declares, its actions' included."""
    tables = (value for value in arguments.values() if isinstance(value, Mapping))
    return sum(name.startswith("--") for name in arguments) + sum(map(_options, tables))


def measure() -> Sizes:
    """Return the nodes of each room, and the other figures of the house."""
    nodes = Counter[str]()
    for module, path in house_map.modules():
        tree = ast.parse(path.read_text("utf-8"))
        nodes[house_map.room_of(module) or "loose"] += sum(1 for _ in ast.walk(tree))
    keys = json.loads((_TUI / "widgets" / "keys.json").read_text("utf-8"))
    verbs = [tomllib.loads(path.read_text("utf-8")) for path in (_TUI / "cli" / "verb").glob("*.toml")]
    return {
        "nodes": dict(sorted(nodes.items())),
        "lines": {
            "words": _lines(_files("core", "tui"), _DATA),
            "tests": _lines(_files("tests"), {".py"}),
            "tests_data": _lines(_files("tests"), _TEST_DATA),
        },
        "number": {
            "modules": sum(1 for _, path in house_map.modules() if path.name != "__init__.py"),
            "keys": sum(map(len, keys.values())),
            "verbs": len(VERBS),
            "options": len(words("options")) + sum(map(_options, verbs)),
        },
    }


def budget() -> Sizes:
    """Return what each part may weigh."""
    return tomllib.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def lowered(now: Sizes, before: Sizes) -> str:
    """Return the file with a budget for each part, none of them higher than before."""
    lines = [_HEAD]
    for table, sizes in now.items():
        lines.append(f"[{table}]")
        for name, size in sizes.items():
            # One per cent is free: a fix needs no line of its own.
            new = size + size // 100
            lines.append(f'"{name}" = {min(new, before.get(table, {}).get(name, new))}')
        lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print what differs from the budget, or lower it."""
    now = measure()
    before = budget()
    if arguments == ["--write"]:
        FILE.write_text(lowered(now, before), "utf-8")
    for table, sizes in now.items():
        for name, size in sizes.items():
            sys.stdout.write(f"{size:>8,} of {before.get(table, {}).get(name, 0):>8,}  {table} {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
