"""Whether a kind of terminal, the variable TERM, can show a full screen."""

from __future__ import annotations

import re
import sys
from typing import Final

# Families that show it whatever terminfo says: over SSH the machine may not know the newer ones, and the
# console of Linux is known to have no second screen, although the screen comes out well there.
_ABLE: Final = frozenset(
    {
        *("alacritty", "contour", "foot", "ghostty", "gnome", "iterm", "iterm2", "kitty", "konsole"),
        *("linux", "mintty", "mlterm", "putty", "rio", "rxvt", "screen", "st", "tmux", "vte", "wezterm"),
        "xterm",
    }
)


def why_no_screen(kind: str) -> str | None:
    """Return in a sentence or two why a terminal of this kind has no full screen; None where it has one.

    terminfo(5) tells: a full screen takes a second screen to go to (`smcup`) and a cursor that can be sent
    anywhere (`cup`). Where there is no terminfo to ask, it is tried.
    """
    if kind in {"", "dumb"}:
        return f"This terminal cannot show a full screen ({f'TERM={kind}' if kind else 'TERM is not set'})."
    if re.split(r"[-.+]", kind)[0] in _ABLE:
        return None
    try:
        import curses
    except ImportError:
        return None
    try:
        curses.setupterm(kind, sys.stderr.fileno())
    except (curses.error, OSError, ValueError):
        return (
            f"authlens does not know whether this terminal can show a full screen (TERM={kind}). If it "
            "can: export TERM=xterm-256color."
        )
    if curses.tigetstr("smcup") and curses.tigetstr("cup"):
        return None
    return f"This terminal cannot show a full screen (TERM={kind})."
