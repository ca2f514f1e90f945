"""One list of words that authlens does not use, in what it shows and in docstrings and comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from authlens_core.values.word_files import folder_of
from authlens_tui import cli
from support.source_trees import Source, sources_of_product

pytestmark = pytest.mark.xdist_group("sources")

INSTEAD: Final = {
    r"the person|whoever|somebody|nobody|anybody": "you, the user, the caller; no one, anyone",
    r"earn(?:s|ed)?": "get; the tokens the login returned",
    r"anew|once more": "again, new",
    r"in (?:its|their|the) stead|in place of": "instead of",
    r"places? for secrets": "the secret store",
    r"what became of": "the result of",
    r"the way back": "the callback, the return to the terminal",
    r"pretended": "simulated",
    r"cured|(?:a|the|its|their|with|and) cures?(?!:)": "the fix",
}
"""What to write instead. A word is listed only where a reader would stop at it."""

BANNED: Final = re.compile("|".join(rf'\b(?<![-./="])(?:{words})\b' for words in INSTEAD), re.IGNORECASE)
NAMES: Final = re.compile(r"`[^`\n]*`")
"""What is quoted as a name of the code."""


def texts(source: Source) -> Iterator[tuple[int, str]]:
    """Yield each comment and each string of more than one word, docstrings too, with its line."""
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def banned_in(source: Source) -> list[str]:
    """Return each banned word with its line."""
    return [
        f"{source.name}:{line} {match[0]!r}"
        for line, text in texts(source)
        for match in BANNED.finditer(NAMES.sub("", text))
    ]


def test_texts_use_standard_words() -> None:
    found = [place for source in sources_of_product() for place in banned_in(source)]

    assert found == [], f"write what a reader expects: {INSTEAD}"


def test_files_of_words_use_standard_words() -> None:
    verbs = Path(cli.__file__).with_name("verb")
    folders = (folder_of("authlens_core"), folder_of("authlens_lab"), verbs)
    files = sorted(file for folder in folders for end in ("toml", "json") for file in folder.glob(f"*.{end}"))
    lines = [(file.name, line) for file in files for line in file.read_text("utf-8").splitlines()]

    assert len(lines) > 500
    sentences = [(name, line.partition(" = ")[2] or line) for name, line in lines if line[:1] not in "#["]
    found = [f"{name}: {match[0]!r}" for name, text in sentences for match in BANNED.finditer(text)]
    assert found == [], f"write what a reader expects: {INSTEAD}"
