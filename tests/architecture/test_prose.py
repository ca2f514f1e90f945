"""Docstrings and comments use current technical English: the terms of the field, no figures of speech."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

INSTEAD = {
    r"(?:the|a) person": "the user, the caller",
    r"whoever|somebody|nobody|anybody": "the user, the caller; no one",
    r"earn(?:s|ed)?": "get; the tokens the login returned",
    r"anew|once more": "again, new",
    r"(?:stands?(?! for)|stood)": "is, appears, is shown",
    r"in (?:its|their|the) stead|in place of": "instead of",
    r"(?:place|places) for secrets": "the secret store",
    r"what became of": "the result of, what happened to",
    r"the way back": "the callback, the return to the terminal",
    r"refresh(?:ed)? by itself": "automatically",
    r"pretended": "simulated",
    r"(?:and|the|a|its|their|with) cures?(?!:)|cured": "what to do, the fix",
    r"told(?!:)": "shown, reported; called with; recognised by",
    r"prov(?:es?|ed|en|ing)(?!:)": "verify, verified; show",
}
BANNED = re.compile("|".join(rf"\b(?:{words})\b" for words in INSTEAD), re.IGNORECASE)
CODE = re.compile(r"`[^`\n]*`")


def prose(text: str, nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield every docstring and comment with its line; a string below an attribute is a docstring, too."""
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('"""What a person typed."""', True),
        ("x = 1  # where it stands", True),
        ("x = 1  # a mask stands for a secret", False),
        ('x = "nobody"', False),
        ('"""`anew` is a name of the code."""', False),
        ('"""Personal names, and an understanding."""', False),
        ('"""Return the cause and the cure."""', True),
        ('"""Args:\n    cure: what to do."""', False),
        ('"""A proof of possession, and a provider."""', False),
    ],
)
def test_the_scan_knows_words_that_are_not_ours(source: str, found: bool) -> None:
    read = prose(source, ast.walk(ast.parse(source)))
    assert any(BANNED.search(CODE.sub("", words)) for _, words in read) is found


def test_docstrings_and_comments_use_standard_words() -> None:
    places = [
        f"{source.name}:{line} {match[0]!r}"
        for source in sources_of_product()
        for line, words in prose(source.text, source.nodes)
        for match in BANNED.finditer(CODE.sub("", words))
    ]
    assert places == [], INSTEAD
