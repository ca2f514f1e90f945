"""The name of a public class is used once in both packages: a search for it leads to one place."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")


def test_the_name_of_a_public_class_is_defined_once() -> None:
    """Messages inside a widget are named with it, `Stepper.Chosen`, so only the classes of modules count."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources_of_product():
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(source.name)
    assert len(places) > 300, "the walk found too little to prove anything"

    twice = {name: modules for name, modules in places.items() if len(modules) > 1}
    assert twice == {}, "give one of them a name that says how it differs, or an underscore"
