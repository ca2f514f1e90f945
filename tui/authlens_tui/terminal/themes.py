"""The themes of authlens: dark, light, high contrast, sixteen colours. Widgets use tokens alone.

The colours are in `themes.json`. In dark and light every token for text has a contrast of 4.5 : 1 or more on
every surface, in high contrast of 7 : 1 (WCAG 2.2 §1.4.3 and §1.4.6).

The sixteen are the terminal's own, so what they look like is the user's choice. Body text has the terminal's
own foreground, and so has what is behind a badge, whose colour would hide the words; cursors are blue, on
which that foreground can be read; the accent is the brighter magenta, because the other has 4.4 : 1 on black.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual.color import Color
from textual.message import Message
from textual.theme import Theme


@dataclass(repr=False, eq=False)
class ThemeChosen(Message):
    """The user took a theme, which is applied already."""

    name: str


def _themes() -> Iterator[Theme]:
    colours = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return (Theme(f"authlens-{name}", **theme) for name, theme in colours.items())


DARK, LIGHT, HIGH_CONTRAST, SIXTEEN = _themes()
_QUIET: Final = 0.62  # how far quiet text is from the surface towards the foreground
# On dark, on light, and of the terminal's own sixteen, where only the servers have one: they are mistaken.
_ACTORS: Final = {
    "you": ("#e8a0c8", "#9c2f6b", "ansi_default"),
    "browser": ("#cdb59a", "#6e5336", "ansi_default"),
    "resource": ("#6fd0c3", "#0b6b61", "ansi_green"),
    "server": ("#b9a4f2", "#5b3fb0", "ansi_bright_magenta"),
    "provider": ("#d9c06a", "#6b5a00", "ansi_yellow"),
}
_DIRECT: Final = frozenset({"truecolor", "24bit"})  # what COLORTERM says of a terminal with all colours
_MANY: Final = frozenset({"256color", "kitty", "direct"})  # how TERM ends where there are more than sixteen
_UNKNOWN: Final = frozenset({"", "dumb", "unknown"})


def theme_for(environ: Mapping[str, str]) -> Theme:
    """Return the theme for a terminal: sixteen colours if it reports no more, or with NO_COLOR."""
    if environ.get("NO_COLOR"):
        return SIXTEEN
    colour_system = environ.get("TEXTUAL_COLOR_SYSTEM", "auto").lower()
    if colour_system != "auto":
        return SIXTEEN if colour_system in {"standard", "windows"} else DARK
    term = environ.get("TERM", "").strip().lower()
    if environ.get("COLORTERM", "").strip().lower() in _DIRECT or term in _UNKNOWN:
        return DARK
    # A name that says nothing about colours is that of an old terminal; newer ones set COLORTERM.
    return DARK if term.rpartition("-")[2] in _MANY else SIXTEEN


def with_quiet(variables: dict[str, str]) -> dict[str, str]:
    """Add `$quiet` and the accents of who takes part in a login, where a theme has none of its own.

    `$text-muted` depends on a background, which drawn text does not have.
    """
    foreground, surface = (Color.parse(variables[name]) for name in ("foreground", "surface"))
    sixteen = foreground.ansi is not None
    quiet = "ansi_default" if sixteen else surface.blend(foreground, _QUIET).hex
    is_light = surface.brightness > foreground.brightness
    accents = {
        f"actor-{name}": ansi if sixteen else (on_light if is_light else on_dark)
        for name, (on_dark, on_light, ansi) in _ACTORS.items()
    }
    return {"quiet": quiet, **accents, **variables}
