"""What is read in one sitting stays so: modules and classes of at most 400 lines, functions of at most 60."""

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


def classes() -> dict[str, tuple[int, list[str]]]:
    """Return every class by its name: its lines, and the names of its bases."""
    return {
        node.name: (
            (node.end_lineno or node.lineno) - node.lineno + 1,
            [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases],
        )
        for source in sources_of_product()
        for node in source.nodes
        if isinstance(node, ast.ClassDef)
    }


def test_no_class_is_longer_than_a_newcomer_reads() -> None:
    """A class counts with its own bases: a chain of short classes is one long class in pieces."""
    known = classes()

    def family(name: str) -> set[str]:
        return {name}.union(*(family(base) for base in known[name][1] if base in known and base != name))

    lengths = {name: sum(known[one][0] for one in family(name)) for name in known}
    long = {name: length for name, length in lengths.items() if length > CLASS}
    assert long == {}, f"a class has at most {CLASS} lines, with its bases: part what it holds, not its text"
