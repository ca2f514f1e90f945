"""What is read in one sitting stays so: modules and classes of at most 400 lines, functions of at most 60."""

from __future__ import annotations

import ast

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

MODULE = 400
FUNCTION = 60
CLASS = 400


def test_no_module_is_longer_than_a_newcomer_reads() -> None:
    """A module is one idea."""
    lengths = {source.name: len(source.text.splitlines()) for source in sources_of_product()}
    assert len(lengths) > 200, "the walk found too little to prove anything"

    long = {name: length for name, length in lengths.items() if length > MODULE}
    assert long == {}, f"a module has at most {MODULE} lines: part it where a second idea begins"


def test_no_function_is_longer_than_a_screen() -> None:
    """A function does one thing; its docstring counts."""
    long = {
        f"{source.name}:{node.name}": length
        for source in sources_of_product()
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION
    }

    assert long == {}, f"a function has at most {FUNCTION} lines: give a step of it a name of its own"


def test_no_class_is_longer_than_a_newcomer_reads() -> None:
    """A class holds one thing."""
    long = {
        f"{source.name}:{node.name}": length
        for source in sources_of_product()
        for node in source.nodes
        if isinstance(node, ast.ClassDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > CLASS
    }

    assert long == {}, f"a class has at most {CLASS} lines: part what it holds, not its text"
