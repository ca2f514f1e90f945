"""Docstrings and comments use current technical English: the terms of the field, no figures of speech."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import authlens_core
import authlens_tui

ROOTS = (Path(authlens_core.__path__[0]), Path(authlens_tui.__path__[0]))
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


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Yield every docstring and comment with its line; a string below an attribute is a docstring, too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
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
    assert any(BANNED.search(CODE.sub("", words)) for _, words in prose(source)) is found


def test_docstrings_and_comments_use_standard_words() -> None:
    places = [
        f"{path.relative_to(root.parent).as_posix()}:{line} {match[0]!r}"
        for root in ROOTS
        for path in sorted(root.rglob("*.py"))
        for line, words in prose(path.read_text("utf-8"))
        for match in BANNED.finditer(CODE.sub("", words))
    ]
    assert places == [], INSTEAD
