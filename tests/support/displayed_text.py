"""Finds where the program decides something by text that is made for people to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

# Fields that hold sentences: of checks, diagnoses, errors, results, answers and overviews.
DISPLAYED: Final = frozenset(
    {"cause", "cure", "evidence", "expected", "matters", "note", "seen", "sentence", "summary", "why"}
)
# The methods of a string that only change how it is shown.
_FORMATTING: Final = frozenset({"format", "join", "lstrip", "replace", "rstrip", "strip"})
# Calls that return the same text for showing it.
_SHOWN_BY: Final = frozenset({"safe_line", "safe_sentence", "safe_text", "str"})
_SEARCHES: Final = frozenset({"findall", "finditer", "fullmatch", "match", "search"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def decisions(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of `tree` where displayed text is used for anything but to show it.

    Text may be put into other text, handed on, stored and returned, and left out where it is empty. Whatever
    compares it, searches it or takes it apart decides by it.
    """
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_displayed(node) and _decides(node, parents[node]):
            yield node.lineno
        if isinstance(node, _Function):
            yield from _by_local_names(node, parents)


def _by_local_names(function: _Function, parents: dict[ast.AST, ast.AST]) -> Iterator[int]:
    """Yield the same for the local variables that hold displayed text as it is."""
    assignments = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    names = {
        target.id
        for assignment in assignments
        for target in assignment.targets
        if isinstance(target, ast.Name) and _is_displayed(_without_showing(assignment.value))
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in names and _decides(node, parents[node]):
            yield node.lineno


def _is_displayed(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in DISPLAYED and isinstance(node.ctx, ast.Load)


def _without_showing(node: ast.expr) -> ast.expr:
    """Return what is shown by `safe_line(…)` and the like."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SHOWN_BY:
        return node.args[0] if node.args else node
    return node


def _decides(node: ast.AST, parent: ast.AST) -> bool:
    match parent:
        case ast.Compare(left=left, comparators=others):
            # Held against nothing, it is left out where it is empty.
            return not all(map(_is_empty, (one for one in (left, *others) if one is not node)))
        case ast.Attribute(attr=method):
            # An attribute that strings do not have: the field is not text here.
            return hasattr(str, method) and method not in _FORMATTING
        case ast.Subscript(value=value, slice=part):
            return value is node and isinstance(part, ast.Slice)
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in _SEARCHES
        case ast.Match(subject=subject):
            return subject is node
        case _:
            return False


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in ("", None)
