"""A table by an enum has a row for each member, or it is read only where a member may be missing.

The tables are found in the product: dictionaries of a module whose keys are members of one of our enums.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from typing import Any, Final

import pytest

from support.source_trees import Source, sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

# Tables with fewer rows that are read by any member, and why no other member comes there.
NEVER_READ_FOR_OTHERS: Final = {
    "authlens_core/credentials/vault/open_store.py:_FILES": "a KeyError is documented",
    "authlens_tui/words/outcomes.py:_STAYS_VALID": "those of cloudflared are not forgotten",
}


def tables() -> Iterator[tuple[Source, str, Mapping[Enum, Any]]]:
    for source in sources_of_product():
        for statement in source.tree.body:
            if not isinstance(statement, ast.Assign | ast.AnnAssign):
                continue
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            if isinstance(target, ast.Name) and any(isinstance(n, ast.Dict) for n in ast.walk(statement)):
                module = import_module(source.name.removesuffix(".py").replace("/", "."))
                table = getattr(module, target.id)
                if isinstance(table, Mapping) and table and all(map(_is_ours, table)):
                    yield source, target.id, table


def _is_ours(key: object) -> bool:
    return isinstance(key, Enum) and type(key).__module__.startswith("authlens")


def _reads_for_any(source: Source, table: str) -> Iterator[int]:
    """Yield the lines that read `table[…]` by a variable, in functions that do not ask `in table` first."""
    for function in source.nodes:
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        nodes = tuple(ast.walk(function))
        asked = any(
            isinstance(node, ast.Compare) and ast.unparse(node.comparators[-1]) == table for node in nodes
        )
        for node in () if asked else nodes:
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == table:
                yield from () if isinstance(node.slice, ast.Attribute) else (node.lineno,)


def test_tables_are_found() -> None:
    assert len([name for _, name, _ in tables()]) > 30


def test_a_table_that_is_read_for_any_member_has_them_all() -> None:
    incomplete = []
    for source, name, table in tables():
        missing = set(type(next(iter(table)))) - set(table)
        if not missing or f"{source.name}:{name}" in NEVER_READ_FOR_OTHERS:
            continue
        readers = [source] if name.startswith("_") else sources_of_product()
        lines = [f"{reader.name}:{line}" for reader in readers for line in _reads_for_any(reader, name)]
        if lines:
            incomplete.append(f"{source.name}: {name} lacks {sorted(map(str, missing))}, read in {lines}")
    assert incomplete == [], "add the rows, or read the table by .get()"
