"""The themes of authlens: dark, light, high contrast, sixteen colours. Widgets use tokens alone.

In dark and light every token for text has a contrast of 4.5 : 1 or more on every surface (WCAG 2.2 §1.4.3).
The sixteen are the terminal's own, so what they look like is the user's choice; body text has
the terminal's own foreground.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.color import Color
from textual.message import Message
from textual.theme import Theme


class ThemeChosen(Message):
    """The user took a theme, which is applied already."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def _scrollbar(colour: str, *, hover: str, active: str, behind: str) -> dict[str, str]:
    backgrounds = ("background", "background-hover", "background-active", "corner-color")
    return {
        "scrollbar": colour,
        "scrollbar-hover": hover,
        "scrollbar-active": active,
        **{f"scrollbar-{part}": behind for part in backgrounds},
    }


DARK: Final = Theme(
    name="authlens-dark",
    primary="#8ab4d8",
    secondary="#6d8aa8",
    accent="#e8a85c",
    success="#8fbf7f",
    warning="#e3c078",
    error="#e57a7a",
    foreground="#d5dae2",
    background="#0e1218",
    surface="#141a22",
    panel="#1d2530",
    dark=True,
    variables={
        "quiet": "#8f96a0",
        "text-disabled": "auto 55%",
        "border": "#35404f",
        "border-blurred": "#3b4757",
        "block-cursor-background": "#8ab4d8",
        "block-cursor-foreground": "#0e1218",
        "block-cursor-text-style": "none",
        "footer-background": "#141a22",
        "footer-key-foreground": "#e8a85c",
        "footer-description-foreground": "#9aa6b5",
        "input-selection-background": "#8ab4d8 30%",
        **_scrollbar("#35404f", hover="#4a5a6e", active="#8ab4d8", behind="#141a22"),
    },
)

LIGHT: Final = Theme(
    name="authlens-light",
    primary="#1f5f86",
    secondary="#4f6f88",
    accent="#a65200",
    success="#2c6b3d",
    warning="#7d5600",
    error="#a52f3b",
    foreground="#22272e",
    background="#f4f1ea",
    surface="#fbf9f4",
    panel="#e6e1d6",
    dark=False,
    variables={
        "quiet": "#5a5f66",
        "text-disabled": "auto 58%",
        "border": "#c3bcae",
        "border-blurred": "#bcb4a4",
        "block-cursor-background": "#1f5f86",
        "block-cursor-foreground": "#fbf9f4",
        "block-cursor-text-style": "none",
        "footer-background": "#e6e1d6",
        "footer-key-foreground": "#8f4600",
        "footer-description-foreground": "#4c5560",
        "input-selection-background": "#1f5f86 25%",
        **_scrollbar("#c3bcae", hover="#a89f8e", active="#1f5f86", behind="#fbf9f4"),
    },
)

# Text has a contrast of 7 : 1 or more on every surface (WCAG 2.2 §1.4.6).
HIGH_CONTRAST: Final = Theme(
    name="authlens-high-contrast",
    primary="#6fcfef",
    secondary="#bfbfff",
    accent="#ffd75f",
    success="#5fff87",
    warning="#ffff5f",
    error="#ff9f9f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        "quiet": "#e0e0e0",
        "text-muted": "#e0e0e0",
        "text-disabled": "#b0b0b0",
        "border": "#ffffff",
        "border-blurred": "#a0a0a0",
        "block-cursor-background": "#ffff5f",
        "block-cursor-foreground": "#000000",
        "block-cursor-text-style": "bold",
        "footer-background": "#000000",
        "footer-key-foreground": "#ffd75f",
        "footer-description-foreground": "#ffffff",
        "input-selection-background": "#ffff5f 60%",
        **_scrollbar("#a0a0a0", hover="#ffffff", active="#ffff5f", behind="#000000"),
    },
)

# What a badge of sixteen colours is written on: its own colour would hide the words.
_COLOURED: Final = ("primary", "secondary", "accent", "success", "warning", "error")
SIXTEEN: Final = Theme(
    name="authlens-16",
    ansi=True,
    primary="ansi_blue",  # what cursors are drawn on: the default foreground can be read on it
    secondary="ansi_cyan",
    accent="ansi_bright_magenta",  # the darker one has 4.4 : 1 on black
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_bright_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "quiet": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "foreground-muted": "ansi_default",
        **{f"{kind}-muted": "ansi_default" for kind in _COLOURED},
        "text-primary": "ansi_cyan",
        "border": "ansi_cyan",
        "border-blurred": "ansi_default",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-blurred-foreground": "ansi_black",
        "block-cursor-blurred-background": "ansi_white",
        "footer-key-foreground": "ansi_bright_magenta",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": "ansi_black",
        "scrollbar": "ansi_cyan",
        "scrollbar-hover": "ansi_cyan",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
    },
)

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
    """Return the theme for a terminal: sixteen colours where it says that it has no more, or wants none."""
    if environ.get("NO_COLOR"):
        return SIXTEEN
    wanted = environ.get("TEXTUAL_COLOR_SYSTEM", "auto").lower()
    if wanted != "auto":
        return SIXTEEN if wanted in {"standard", "windows"} else DARK
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
    column = 2 if sixteen else 1 if surface.brightness > foreground.brightness else 0
    accents = {f"actor-{name}": colours[column] for name, colours in _ACTORS.items()}
    return {"quiet": quiet, **accents, **variables}
