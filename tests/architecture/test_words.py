"""What the program says speaks to the user in standard words: labels, messages, help, lessons and answers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from support.source_trees import sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

INSTEAD: Final = {
    r"persons?|whoever|somebody|nobody|anybody": "you; the user; no one, anyone",
    r"earn(?:s|ed)?": "get; the tokens the login returned",
    r"(?:by|of) (?:itself|themselves)": "automatically",
    r"anew|once more": "again, new",
    r"told|is said|said by": "shown, reported",
    r"stands?|stood": "is, appears",
    r"in (?:its|their|the) stead|in place of": "instead of",
    r"kept": "stored",
    r"places? for secrets": "the secret store",
    r"taken": "in use, accepted, treated as",
    r"prov(?:e|es|en|ed)": "verify, verified",
    r"its end is": "no expiry given, none given",
    r"(?:begins?|comes) with": "starts with, includes",
    r"that is none|this is none|none of it": "not a …",
    r"way back": "the callback",
    r"pretended": "simulated",
    r"the plain login": "a normal login",
    r"what became of": "the result of",
    r"costs? nothing|steers?": "does not affect",
    r"in spite of|all the same": "despite, anyway",
    r"go(?:es)? on|going on|gone on": "continue",
    r"beforehand": "pre-registered, first",
    r"lets? in|let in|let through": "accept, allow",
    r"hand(?:s|ed)? (?:in|out|over)": "send, issue",
    r"cure": "fix",
}
BANNED: Final = re.compile("|".join(rf'\b(?<![-./="])(?:{words})\b' for words in INSTEAD), re.IGNORECASE)
CODE: Final = re.compile(
    r"^\s*(?:SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE)\b|\bset -euo\b|^say '|\)\$\{|\(\?:|[{;] *\n"
)
"""Strings of another language: SQL, shell, style sheets, patterns."""


def displayed(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield each string of several words that is no docstring and no code, with its line."""
    skipped = {id(one.value) for one in nodes if isinstance(one, ast.Expr)}
    joined = [one for one in nodes if isinstance(one, ast.JoinedStr)]
    skipped |= {id(part) for one in joined for part in ast.walk(one) if part is not one}
    for node in nodes:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"[A-Za-z]\S* \S*[A-Za-z]", text) and not CODE.search(text):
            yield node.lineno, text


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('say("The tokens are kept here.")', True),
        ('say(f"A {name} begins with a slash.")', True),
        ('help="ask nobody for it"', True),
        ('say("See: authlens probe --kept URL")', False),
        ('"""Nobody reads this docstring here."""', False),
        ('say("It starts with a slash.")', False),
        ('run("SELECT kept FROM grants")', False),
    ],
)
def test_the_scan_knows_words_that_are_not_ours(source: str, found: bool) -> None:
    """It can fail, and it leaves options, docstrings and SQL alone."""
    nodes = list(ast.walk(ast.parse(source)))
    assert any(BANNED.search(text) for _, text in displayed(nodes)) is found


def test_what_is_displayed_uses_standard_words() -> None:
    """Every string of both packages that holds a sentence or a label of several words."""
    read, places = 0, []
    for source in sources_of_product():
        for line, text in displayed(source.nodes):
            read += 1
            places += [
                f"{source.name}:{line} {match[0]!r} in {text[:90]!r}" for match in BANNED.finditer(text)
            ]
    assert read > 2000
    assert places == [], INSTEAD
