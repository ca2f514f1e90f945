"""The source files as syntax trees, parsed once for all scans of them.

Tests that scan carry `xdist_group("sources")`: one worker runs them, and no other parses anything.
"""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import authlens_core
import authlens_tui

__all__ = ["Source", "source_of", "sources_of_product", "sources_of_tests"]

_PRODUCT: Final = (Path(authlens_core.__path__[0]), Path(authlens_tui.__path__[0]))
_TESTS: Final = Path(__file__).parents[1]


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        name: its path, from the package on, or below `tests/`.
        text: what is in it.
        tree: its syntax tree.
        nodes: all nodes of the tree, in the order of `ast.walk`.
    """

    name: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]


@cache
def sources_of_product() -> tuple[Source, ...]:
    return _parsed((path, root.parent) for root in _PRODUCT for path in sorted(root.rglob("*.py")))


@cache
def sources_of_tests() -> tuple[Source, ...]:
    """Return every module of the tests; those of packages for Node are not ours."""
    ours = (path for path in sorted(_TESTS.rglob("*.py")) if "node_modules" not in path.parts)
    return _parsed((path, _TESTS) for path in ours)


def source_of(text: str, name: str = "example.py") -> Source:
    tree = ast.parse(text, name)
    return Source(name, text, tree, tuple(ast.walk(tree)))


def _parsed(files: Iterable[tuple[Path, Path]]) -> tuple[Source, ...]:
    sources = tuple(
        source_of(path.read_text("utf-8"), path.relative_to(root).as_posix()) for path, root in files
    )
    gc.freeze()  # half a million objects that stay until the end
    return sources
