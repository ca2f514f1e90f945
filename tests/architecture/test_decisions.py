"""Decisions go by values: enums, codes and types, never by text that is made for display."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from authlens_core.values.check import CheckId
from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

DISPLAYED = frozenset({"cause", "cure", "expected", "note", "purpose", "seen", "summary", "why", "words"})
TESTS_OF_TEXT = frozenset({"endswith", "lower", "startswith", "casefold", "find", "removeprefix"})


def _is_displayed(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in TESTS_OF_TEXT and _is_displayed(node.func.value)
    return isinstance(node, ast.Attribute) and node.attr in DISPLAYED


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(node.value)


def decisions(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """Yield the lines that compare displayed text with a literal, or test how it begins or ends."""
    for node in nodes:
        if isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            if any(map(_is_displayed, sides)) and any(map(_is_text, sides)):
                yield node.lineno
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"startswith", "endswith"}
            and _is_displayed(node.func.value)
        ):
            yield node.lineno


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('"invalid_client" in check.seen', True),
        ('"redirect" in check.seen.lower()', True),
        ('exchange.purpose.startswith("revoke")', True),
        ('fact.note == "new"', True),
        ("check.seen == other.seen", False),
        ('check.error_code == "invalid_client"', False),
        ("exchange.purpose is Purpose.REFRESH", False),
        ('check.cure == ""', False),
    ],
)
def test_the_scan_knows_a_decision_by_displayed_text(code: str, found: bool) -> None:
    assert bool(list(decisions(ast.walk(ast.parse(code))))) is found


def test_no_decision_is_made_by_displayed_text() -> None:
    assert [
        f"{source.name}:{line}" for source in sources_of_product() for line in decisions(source.nodes)
    ] == []


def test_a_check_that_decides_something_is_named_by_its_identifier() -> None:
    """The text of an identifier is written once, in `values/check.py`."""
    identifiers = {identifier.value for identifier in CheckId}
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources_of_product()
        if not source.name.endswith("values/check.py")
        for node in source.nodes
        if isinstance(node, ast.Constant) and node.value in identifiers
    ]
    assert found == []


def test_screens_reach_the_app_by_a_typed_getter() -> None:
    found = [
        f"{source.name}:{node.lineno}"
        for source in sources_of_product()
        for node in source.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[0], ast.Attribute)
        and node.args[0].attr == "app"
    ]
    assert found == []
