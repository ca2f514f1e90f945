"""Tests measure no time, and use what the product offers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from support.source_trees import sources_of_product, sources_of_tests

pytestmark = pytest.mark.xdist_group("sources")

CLOCKS = frozenset({"monotonic", "perf_counter", "time", "monotonic_ns", "perf_counter_ns"})
OF_OTHERS = frozenset(
    {
        *("_background_screens", "_compositor", "_exception", "_exit", "_notifications"),  # Textual
        *("_replace", "_transport"),  # the standard library
        *("_browser", "_master", "_screen"),  # what tests share
    }
)
SEAMS = {
    "_tick": "a second that passes on the dashboard",
    "_make": "counts the rows that are made",
    "_reader": "a reader of keys without a terminal",
    "_choice": "a keyring of the test's own",
    "_passphrase": "that it is dropped once there is a key",
    "_let_go": "that a new helper needs no passphrase",
    "_parsed": "the reader of any bytes",
    "_task": "the turn of the loop in which a stage is cancelled",
    "_work": "the sender and the stages of a login",
    "_wire": "the sender of a login",
    "_stages": "the stages of a login",
    "_tampering": "what an experiment does to a link",
}
"""Private attributes that a test reaches through, because nothing public shows the same."""


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _asks_a_clock(node: ast.AST, measured: set[str]) -> bool:
    return any(
        (isinstance(one, ast.Name) and one.id in measured)
        or (isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in CLOCKS)
        for one in ast.walk(node)
    )


def measurements(tree: ast.Module) -> Iterator[int]:
    """Yield the lines of assertions on a span of time that was measured."""
    for function in _functions(tree):
        measured: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Call):
                of_clock = isinstance(node.value, ast.BinOp) or _is_clock(node.value)
                if of_clock and _asks_a_clock(node.value, measured):
                    measured |= {one.id for one in node.targets if isinstance(one, ast.Name)}
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and _asks_a_clock(node.test, measured):
                yield node.lineno


def _is_clock(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in CLOCKS


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f():\n    begin = time.monotonic()\n    assert time.monotonic() - begin < 1", True),
        ("def f():\n    begin = loop.time()\n    took = loop.time() - begin\n    assert took < 1", True),
        ("def f():\n    begin = time.monotonic()\n    assert answer == 1", False),
    ],
)
def test_the_scan_knows_an_assertion_on_measured_time(code: str, found: bool) -> None:
    assert bool(list(measurements(ast.parse(code)))) is found


def test_no_assertion_depends_on_how_fast_the_machine_is() -> None:
    found = [
        f"{source.name}:{line}"
        for source in sources_of_tests()
        if not source.name.startswith("benchmarks/")
        for line in measurements(source.tree)
    ]
    assert found == [], "a slow machine fails these: move a clock, or count what is done"


def test_tests_leave_private_attributes_of_the_product_alone() -> None:
    private = {
        name for source in sources_of_product() for name in re.findall(r"\bself\.(_[a-z]\w*)", source.text)
    }
    used: dict[str, list[str]] = {}
    for source in sources_of_tests():
        if source.name.startswith("support/"):
            continue
        own = {one.attr for one in source.nodes if isinstance(one, ast.Attribute) and _is_self(one.value)}
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and node.attr in private - own and not _is_self(node.value):
                used.setdefault(node.attr, []).append(f"{source.name}:{node.lineno}")
    hidden = {attr: places for attr, places in used.items() if attr not in OF_OTHERS | SEAMS.keys()}

    assert hidden == {}, "look at what the user or the caller sees, or add a line to SEAMS with the reason"


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
