"""The options of every verb: `--plain`, for screen readers, `--no-input`, which asks nothing, and `--as`.

Plain lines have words for signs and numbers for lists. With `--no-input` no browser opens either, and where a
user is needed, one line names the command. `--as NAME` chooses the account that a URL means.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final

# In the environment, so that programs which we start (`authlens run`) are plain and ask nothing either.
_VARIABLES: Final = {"--plain": "AUTHLENS_PLAIN", "--no-input": "AUTHLENS_NO_INPUT"}
# So that every program which it starts means the same account, too.
ACCOUNT_VARIABLE: Final = "AUTHLENS_AS"
_WORDS: Final = {"✔": "OK:", "✖": "Failed:", "!": "Warning:", "→": "To do:"}


def without_flags(argv: Sequence[str]) -> list[str]:
    """Return the arguments without these flags, and remember them; what follows `--` is another program's."""
    end = argv.index("--") if "--" in argv else len(argv)
    for flag in _VARIABLES.keys() & argv[:end]:
        os.environ[_VARIABLES[flag]] = "1"
    ours, account = _without_account(argv[:end])
    if account is not None:
        os.environ[ACCOUNT_VARIABLE] = account
    if no_input() and sys.stdin is not None and sys.stdin.isatty():
        # Whatever would read an answer reads the end of a file instead.
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
    return [word for word in ours if word not in _VARIABLES] + list(argv[end:])


def _without_account(argv: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the arguments without `--as NAME` or `--as=NAME`, and that name."""
    arguments = list(argv)
    account = None
    for word in argv:
        if word == "--as" and arguments.index(word) + 1 < len(arguments):
            position = arguments.index(word)
            account = arguments[position + 1]
            del arguments[position : position + 2]
        elif word.startswith("--as="):
            account = word.partition("=")[2]
            arguments.remove(word)
    return arguments, account


def is_plain() -> bool:
    """Return whether output has to be lines that a screen reader can read aloud."""
    return bool(os.environ.get(_VARIABLES["--plain"]))


def no_input() -> bool:
    return bool(os.environ.get(_VARIABLES["--no-input"]))


def numbered(lines: Iterable[str]) -> list[str]:
    """Return the lines of a list: with their numbers in plain mode, else as they are."""
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)] if is_plain() else list(lines)


def in_words(line: str) -> str:
    """Return a line with its leading sign as a word in plain mode, otherwise unchanged."""
    if not is_plain():
        return line
    text = line.lstrip()
    sign, _, title = text.partition(" ")
    return f"{line[: len(line) - len(text)]}{_WORDS[sign]} {title}" if sign in _WORDS and title else line
