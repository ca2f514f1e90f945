"""Colours of lines on a terminal: the sign that a line starts with, and the headings of a help text.

The first sixteen colours alone: what they look like is the choice of the user's terminal.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Final, TextIO

from authlens_tui.cli.terminal.plain import is_plain

_GREEN, _RED, _YELLOW, _CYAN, _BOLD, _RESET = (f"\x1b[{code}m" for code in (32, 31, 33, 36, 1, 0))
_SIGNS: Final[Mapping[str, str]] = {"✔": _GREEN, "✖": _RED, "✘": _RED, "!": _YELLOW, "→": _CYAN}
# A section of argparse's help, or of our texts below it: a line that is not indented and ends with a colon.
_HEADING: Final = re.compile(r"^[a-z][^\n]*:$", re.MULTILINE)
# What the names of today's terminals begin with; all of them have colours and a second screen.
_FAMILIES: Final = frozenset(
    {
        *("alacritty", "contour", "foot", "ghostty", "gnome", "iterm", "iterm2", "kitty", "konsole"),
        *("linux", "mintty", "mlterm", "putty", "rio", "rxvt", "screen", "st", "tmux", "vte", "wezterm"),
        "xterm",
    }
)


def is_known(kind: str) -> bool:
    """Return whether `kind`, the value of TERM, is a terminal that can do what today's terminals can."""
    return re.split(r"[-.+]", kind)[0] in _FAMILIES


def shows_colour(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether `stream` is a terminal whose user wants colours (https://no-color.org)."""
    variables = os.environ if environ is None else environ
    # Windows sets no TERM; its terminals have shown colours since 2016.
    # A list of what can do it, not of what cannot: TERM=dumb has many names (emacs, cons25, unknown).
    able = sys.platform == "win32" or is_known(variables.get("TERM", ""))
    return able and not variables.get("NO_COLOR") and not is_plain() and stream.isatty()


def with_sign(line: str, stream: TextIO) -> str:
    """Return a line of ours with the colour of the sign that it starts with, if `stream` shows colours."""
    text = line.lstrip()
    sign = text[:1]
    if sign not in _SIGNS or text[1:2] != " " or not shows_colour(stream):
        return line
    return f"{line[: len(line) - len(text)]}{_SIGNS[sign]}{sign}{_RESET}{text[1:]}"


def with_headings(text: str, stream: TextIO) -> str:
    """Return a help text with bold headings, if `stream` shows colours."""
    return _HEADING.sub(lambda line: f"{_BOLD}{line[0]}{_RESET}", text) if shows_colour(stream) else text
