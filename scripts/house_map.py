"""Draw the rooms of authlens and the arrows between them into docs/internals/architecture.md.

The arrows are the imports. Run `python scripts/pages.py` after a room or an arrow changed; tests/architecture
holds the result.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "internals" / "architecture.md"
SOURCES: Final = {"authlens_core": ROOT / "core", "authlens_lab": ROOT / "core", "authlens_tui": ROOT / "tui"}
BEGIN: Final = "<!-- drawn by scripts/house_map.py -->\n"
END: Final = "<!-- end of the drawing -->\n"

_OPENED: Final = {"authlens_core.credentials"}
"""Packages whose own packages are drawn as rooms."""

GROUND: Final = "core/values"
"""The room that every other knows: its arrows would hide the rest."""

DATA: Final = {
    "core/words": "What users read, as TOML, JSON and Markdown; `values/word_files.py` reads it.",
    "lab/words": "What the practice ground says, as TOML; `values/word_files.py` reads it, too.",
}
"""The folders without Python, each with what is in it; an arrow leads there from the ground."""

Rooms = Mapping[str, frozenset[str]]


def room_of(module: str) -> str:
    """Return the room of a module, which is its folder; the entry point of the program is in none."""
    root, *folders = module.split(".")
    if not folders or folders == ["__main__"]:
        return ""
    if f"{root}.{folders[0]}" in _OPENED and len(folders) == 1:
        return ""
    depth = 2 if f"{root}.{folders[0]}" in _OPENED else 1
    return "/".join([root.removeprefix("authlens_"), *folders[:depth]])


def _is_package(module: str) -> bool:
    return _folder(module).is_dir()


def _folder(module: str) -> Path:
    return SOURCES[module.partition(".")[0]].joinpath(*module.split("."))


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module with its file."""
    for root, source in SOURCES.items():
        for path in sorted((source / root).rglob("*.py")):
            parts = path.relative_to(source).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports_of(path: Path) -> Iterator[str]:
    """Yield the names of authlens that a file imports, inside functions too, but not for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in SOURCES)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in SOURCES:
            # `from authlens_core.login.callback import binding` names a module in its last word.
            yield from (
                f"{node.module}.{alias.name}" if _is_package(node.module) else node.module
                for alias in node.names
            )


@cache
def rooms() -> Rooms:
    """Return every room with the rooms that it imports."""
    room_arrows: dict[str, set[str]] = {}
    for module, path in modules():
        room = room_of(module)
        if room:
            arrows = {room_of(name) for name in imports_of(path)} - {room, ""}
            room_arrows.setdefault(room, set()).update(arrows)
    return {room: frozenset(arrows) for room, arrows in sorted(room_arrows.items())}


def direct(every: Rooms) -> Rooms:
    """Leave out the arrows to the ground floor, and each where a longer way leads to the same room."""
    every = {room: arrows - {GROUND} for room, arrows in every.items()}
    reached: dict[str, frozenset[str]] = {}

    def below(room: str) -> frozenset[str]:
        if room not in reached:
            reached[room] = every[room].union(*(below(one) for one in every[room]))
        return reached[room]

    return {
        room: frozenset(one for one in arrows if not any(one in below(other) for other in arrows - {one}))
        for room, arrows in every.items()
    }


def sentence_of(room: str) -> str:
    """Return the first sentence of the room's docstring."""
    module = "authlens_" + room.replace("/", ".")
    docstring = ast.get_docstring(ast.parse((_folder(module) / "__init__.py").read_text("utf-8"))) or ""
    return docstring.partition("\n")[0]


def drawing() -> str:
    """Return the picture as Mermaid, and the table of the rooms."""
    room_arrows = direct(rooms())
    lines = ["```mermaid", "flowchart TD"]
    for package in ("tui", "lab", "core"):
        lines.append(f"  subgraph {package}")
        lines += [
            f"    {_id(room)}[{room.partition('/')[2]}]" for room in room_arrows if _package(room) == package
        ]
        lines += [
            f"    {_id(data)}[({data.partition('/')[2]})]" for data in DATA if _package(data) == package
        ]
        lines.append("  end")
    lines += [
        f"  {_id(room)} --> {_id(one)}" for room, arrows in room_arrows.items() for one in sorted(arrows)
    ]
    lines += [f"  {_id(GROUND)} --> {_id(data)}" for data in DATA]
    lines += ["```", "", "| room | what is in it |", "|---|---|"]
    sentences = {room: sentence_of(room) for room in room_arrows} | DATA
    lines += [f"| `{room}` | {sentences[room]} |" for room in sorted(sentences)]
    return "\n".join(lines) + "\n"


def _id(room: str) -> str:
    return room.replace("/", "_")


def _package(room: str) -> str:
    return room.partition("/")[0]


def page(text: str) -> str:
    """Return docs/internals/architecture.md with today's drawing in it."""
    before, _, behind = text.partition(BEGIN)
    _, _, after = behind.partition(END)
    return f"{before}{BEGIN}{drawing()}{END}{after}"
