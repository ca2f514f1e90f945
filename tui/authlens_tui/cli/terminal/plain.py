"""`--plain`: lines for a screen reader or a log, with words for signs and numbers for lists."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

VARIABLE: Final = "AUTHLENS_PLAIN"
_WORDS: Final = {"✔": "OK:", "✖": "Failed:", "!": "Warning:", "→": "To do:"}


def is_plain() -> bool:
    """Return whether lines are wanted that a screen reader can read aloud."""
    return bool(os.environ.get(VARIABLE))


def numbered(lines: Iterable[str]) -> list[str]:
    """Return the lines of a list: with their numbers in plain mode, else as they are."""
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)] if is_plain() else list(lines)


def in_words(line: str) -> str:
    """Return a line of ours with the sign that it starts with as a word in plain mode, else as it is."""
    if not is_plain():
        return line
    text = line.lstrip()
    sign, _, rest = text.partition(" ")
    return f"{line[: len(line) - len(text)]}{_WORDS[sign]} {rest}" if sign in _WORDS and rest else line
