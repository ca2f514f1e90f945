"""The table of verbs: each name in it leads to a function."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

from authlens_tui.cli import verbs


def test_each_verb_imported_by_name_is_a_function_of_the_arguments() -> None:
    calls = [
        [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
        for node in ast.walk(ast.parse(inspect.getsource(verbs)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_verb"
    ]
    named = [names for names in calls if names]
    assert len(named) > 15, "the walk found too little to prove anything"

    for module, *function in named:
        found = getattr(
            import_module(f"authlens_tui.cli.{module}"),
            function[0] if function else module.rpartition(".")[2],
        )
        assert len(inspect.signature(found).parameters) == 1, f"{module}.{found}"
