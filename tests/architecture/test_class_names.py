"""A class name stands for one thing in both packages."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import authlens_core
import authlens_tui

ROOTS = (Path(authlens_core.__path__[0]), Path(authlens_tui.__path__[0]))


def test_a_class_name_is_defined_once() -> None:
    """Messages inside a widget are named with it, `Stepper.Chosen`, so only the classes of modules count."""
    places: dict[str, list[str]] = defaultdict(list)
    for root in ROOTS:
        for path in sorted(root.rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(path.relative_to(root.parent).as_posix())
    assert len(places) > 300, "the walk found too little to prove anything"

    assert {name: found for name, found in places.items() if len(found) > 1} == {}
