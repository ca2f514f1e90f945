"""The front desk stays small enough to be read in five minutes: it is also the public Python API."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

DESK: Final = Path(__file__).parents[2] / "core" / "authlens_core" / "desk"
MODULES: Final = sorted(DESK.glob("[!_]*.py"))
MOST_MODULES: Final = 15
MOST_NAMES: Final = 60
"""Functions and classes that the desk defines; the types that they take and return are handed on besides."""


def is_public(name: str) -> bool:
    return not name.startswith("_")


def definitions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield the public functions and classes that a module defines and offers."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    offered = listed(module)
    for node in tree.body:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if isinstance(node, kinds) and is_public(node.name) and (not offered or node.name in offered):
            yield node


def listed(module: Path) -> set[str]:
    """Return the names in `__all__`; none where the module has none."""
    text = module.read_text(encoding="utf-8")
    found = re.search(r"^__all__ = \[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    return set() if found is None else set(re.findall(r'"(\w+)"', found[1]))


def test_the_desk_is_small() -> None:
    names = [f"{module.stem}.{node.name}" for module in MODULES for node in definitions(module)]

    assert len(MODULES) <= MOST_MODULES
    assert len(names) <= MOST_NAMES, "\n".join(names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_a_module_of_the_desk_does_something_and_says_what(module: Path) -> None:
    """None only passes names on."""
    offered = list(definitions(module))

    assert offered
    assert all(ast.get_docstring(node) for node in offered)
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_the_table_of_contents_names_every_module() -> None:
    contents = ast.get_docstring(ast.parse((DESK / "__init__.py").read_text(encoding="utf-8"))) or ""

    named = set(re.findall(r"`([a-z_]+)`", contents)) - {"cloudflared"}  # which is a program
    assert named == {module.stem for module in MODULES}
