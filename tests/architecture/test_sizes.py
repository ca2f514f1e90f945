"""What is read in one sitting stays so: modules of at most 400 lines, functions of at most 60."""

from __future__ import annotations

import ast
from pathlib import Path

import authlens_core
import authlens_tui

ROOTS = (Path(authlens_core.__path__[0]), Path(authlens_tui.__path__[0]))
MODULE = 400
FUNCTION = 60


def sources() -> dict[str, str]:
    """Return the text of every source file, by its path below the packages."""
    return {
        path.relative_to(root.parent).as_posix(): path.read_text()
        for root in ROOTS
        for path in sorted(root.rglob("*.py"))
    }


def test_no_module_is_longer_than_a_newcomer_reads() -> None:
    """A module is one idea."""
    lengths = {name: len(text.splitlines()) for name, text in sources().items()}
    assert len(lengths) > 200, "the walk found too little to prove anything"

    assert {name: length for name, length in lengths.items() if length > MODULE} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    """A function does one thing; its docstring counts."""
    long = {
        f"{name}:{node.name}": length
        for name, text in sources().items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION
    }

    assert long == {}
