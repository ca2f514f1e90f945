"""The source files as syntax trees, parsed once for all scans of them.

Tests that scan carry `xdist_group("sources")`: one worker runs them, and no other parses anything.
"""

import ast
import gc
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import authlens_core
import authlens_lab
import authlens_tui

_PRODUCT: Final = tuple(Path(package.__path__[0]) for package in (authlens_core, authlens_lab, authlens_tui))


@dataclass(frozen=True)
class Source:
    """One file.

    Attributes:
        name: its path, from the package on.
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
    files = [(path, root.parent) for root in _PRODUCT for path in sorted(root.rglob("*.py"))]
    trees = [(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path, root in files]
    sources = tuple(_source(text, name) for name, text in trees)
    gc.freeze()  # half a million objects that stay until the end
    return sources


def _source(text: str, name: str) -> Source:
    tree = ast.parse(text, name)
    return Source(name, text, tree, tuple(ast.walk(tree)))
