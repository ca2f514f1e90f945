"""Each protocol says itself what ends a line: `splitlines` ends one at nine other characters, too.

A line of git, of HTTP or of a file ends at LF, or at CR LF. `str.splitlines` also ends it at VT, FF, FS, GS,
RS, NEL, U+2028 and U+2029, and `bytes.splitlines` at a lone CR. What another program takes for one value
would be two lines here, and the second one could be anything.
"""

import ast
from collections.abc import Iterable, Iterator

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")


def line_splits(nodes: Iterable[ast.AST]) -> Iterator[int]:
    """Yield the lines of code that name `splitlines`, whatever they call it on."""
    for node in nodes:
        named = isinstance(node, ast.Attribute) and node.attr == "splitlines"
        if named or (isinstance(node, ast.Constant) and node.value == "splitlines"):
            yield getattr(node, "lineno", 0)


def test_no_text_is_split_at_the_line_ends_of_unicode() -> None:
    places = [
        f"{source.name}:{line}" for source in sources_of_product() for line in line_splits(source.nodes)
    ]
    assert places == [], r"name what ends a line here: text.split('\n')"
