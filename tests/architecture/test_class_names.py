"""A class name stands for one thing in both packages."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")


def test_a_class_name_is_defined_once() -> None:
    """Messages inside a widget are named with it, `Stepper.Chosen`, so only the classes of modules count."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources_of_product():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(source.name)
    assert len(places) > 300, "the walk found too little to prove anything"

    assert {name: found for name, found in places.items() if len(found) > 1} == {}
