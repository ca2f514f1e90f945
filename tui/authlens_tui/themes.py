"""The two themes of authlens, ink and paper. Widgets take their colours from tokens, so others fit too."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

__all__ = ["DARK", "LIGHT"]

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
        "border": "#35404f",
        "border-blurred": "#2a3340",
        "block-cursor-background": "#8ab4d8",
        "block-cursor-foreground": "#0e1218",
        "block-cursor-text-style": "none",
        "footer-background": "#141a22",
        "footer-key-foreground": "#e8a85c",
        "footer-description-foreground": "#9aa6b5",
        "input-selection-background": "#8ab4d8 30%",
        "scrollbar": "#35404f",
        "scrollbar-hover": "#4a5a6e",
        "scrollbar-active": "#8ab4d8",
        "scrollbar-background": "#141a22",
        "scrollbar-background-hover": "#141a22",
        "scrollbar-background-active": "#141a22",
        "scrollbar-corner-color": "#141a22",
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
        "border": "#c3bcae",
        "border-blurred": "#d5cfc2",
        "block-cursor-background": "#1f5f86",
        "block-cursor-foreground": "#fbf9f4",
        "block-cursor-text-style": "none",
        "footer-background": "#e6e1d6",
        "footer-key-foreground": "#a65200",
        "footer-description-foreground": "#4c5560",
        "input-selection-background": "#1f5f86 25%",
        "scrollbar": "#c3bcae",
        "scrollbar-hover": "#a89f8e",
        "scrollbar-active": "#1f5f86",
        "scrollbar-background": "#fbf9f4",
        "scrollbar-background-hover": "#fbf9f4",
        "scrollbar-background-active": "#fbf9f4",
        "scrollbar-corner-color": "#fbf9f4",
    },
)
