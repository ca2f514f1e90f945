"""What the terminal can show: UTF-8, by the user's locale, and colours, by its type.

Python does not tell whether it is UTF-8: in the locale C, and where the one that is set is not installed, it
writes UTF-8 all the same (PEP 538, PEP 540), and a terminal of another encoding shows every sign as several
wrong ones. Where nothing is set at all, as in most containers, in a cron job and after `env -i`, UTF-8 is
assumed: no one said anything about the terminal then, today's terminals show UTF-8, and Python itself decides
so.

Colours are the first sixteen alone, of the sign that a line starts with and of the headings of a help text:
what they look like is the choice of the user's terminal.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, TextIO

from authlens_tui.cli.terminal.flags import is_plain

# The first that is not empty counts (POSIX, "Environment Variables", 8.2).
_VARIABLES: Final = ("LC_ALL", "LC_CTYPE", "LANG")
_COERCED: Final = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})  # what Python puts into LC_CTYPE (PEP 538)


def locale_setting() -> tuple[str, str]:
    """Return the variable that sets the terminal's encoding, and its value; two empty strings if none does.

    The environment counts as it was before Python began.
    """
    for name in _VARIABLES:
        value = os.environ.get(name, "")
        # Python has put a locale of its own into the variable, which says nothing of the terminal.
        if name == "LC_CTYPE" and value in _COERCED and sys.flags.utf8_mode:
            value = _ctype_at_the_start()
        if value:
            return name, value
    return "", ""


def shows_utf_8() -> bool:
    """Return whether UTF-8 may be written to the terminal.

    The name of a locale tells its encoding behind a dot, `de_DE.UTF-8@euro`; whether it is installed here
    does not matter, for the terminal may be on another machine. One without a dot (`C`, `POSIX`, `de_DE`) is
    of another encoding; macOS has one that is called `UTF-8` alone.
    """
    if sys.platform == "win32":
        return True
    _, value = locale_setting()
    # de_DE.UTF-8@euro: language, encoding, modifier.
    encoding = value.partition("@")[0].rpartition(".")[2]
    # No locale at all is what cron, containers and ssh without SendEnv have, in front of terminals that show
    # UTF-8.
    return not value or encoding.lower().replace("-", "") == "utf8"


@cache
def _ctype_at_the_start() -> str:
    """Return LC_CTYPE as it was before Python may have changed it; empty if the system does not tell."""
    try:
        begun_with = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    value = next((entry for entry in begun_with if entry.startswith(b"LC_CTYPE=")), b"")
    return value.removeprefix(b"LC_CTYPE=").decode("utf-8", "replace")


# -- colours --------------------------------------------------------------------------------------------

_GREEN, _RED, _YELLOW, _CYAN, _BOLD, _RESET = (f"\x1b[{code}m" for code in (32, 31, 33, 36, 1, 0))
_SIGNS: Final[Mapping[str, str]] = {"✔": _GREEN, "✖": _RED, "✘": _RED, "!": _YELLOW, "→": _CYAN}
# A section of argparse's help, or of our texts below it: a line that is not indented and ends with a colon.
_HEADING: Final = r"(?m)^[a-z][^\n]*:$"
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


def shows_colour(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal whose user wants colours (https://no-color.org)."""
    # Windows sets no TERM; its terminals have shown colours since 2016.
    # A list of what can do it, not of what cannot: TERM=dumb has many names (emacs, cons25, unknown).
    able = sys.platform == "win32" or is_known(os.environ.get("TERM", ""))
    return able and not os.environ.get("NO_COLOR") and not is_plain() and stream.isatty()


def with_sign(line: str, stream: TextIO) -> str:
    """Return a line in the colour of its leading sign, if `stream` shows colours."""
    text = line.lstrip()
    sign = text[:1]
    if sign not in _SIGNS or text[1:2] != " " or not shows_colour(stream):
        return line
    return f"{line[: len(line) - len(text)]}{_SIGNS[sign]}{sign}{_RESET}{text[1:]}"


def with_headings(text: str, stream: TextIO) -> str:
    """Return a help text with bold headings, if `stream` shows colours."""
    return re.sub(_HEADING, lambda line: f"{_BOLD}{line[0]}{_RESET}", text) if shows_colour(stream) else text
