"""The sentences of the dashboard: when there is nothing, when nothing matches, when something is broken."""

from __future__ import annotations

from typing import Final

from textual.content import Content

from authlens_core.errors import AuthlensError
from authlens_core.safe_text import safe_line

__all__ = ["EMPTY", "broken_words", "damaged_words", "nothing_matches", "title_words"]

EMPTY: Final = Content.assemble(
    ("No credentials on this machine yet.\n\n", "bold"),
    "Press ",
    ("n", "bold $text-primary"),
    " and give the address of a protected page or an MCP server. authlens walks the login with you, "
    "one stage at a time, and keeps what it earns in the keyring.\n\n",
    "A service token for a program? Press ",
    ("t", "bold $text-primary"),
    ".\n\nOnly want to look around? Leave with ",
    ("q", "bold $text-primary"),
    " and run ",
    ("authlens demo", "bold"),
    ": it brings its own server.",
)


def nothing_matches(text: str) -> Content:
    """Return what stands in the detail when the filter lets nothing through."""
    return Content.assemble(
        ("Nothing matches.\n\n", "bold"),
        Content(f"No credential has {safe_line(text, 80)!r} in its resource, team, person, kind or state. "),
        "Press ",
        ("Esc", "bold $text-primary"),
        " to see all of them again.",
    )


def broken_words(error: AuthlensError) -> Content:
    """Return what stands there when the index cannot be read."""
    return Content.assemble(
        ("✖ ", "bold $text-error"),
        Content(safe_line(error.cause, 600)),
        "\n\n",
        Content(safe_line(error.cure, 600)),
        "\n\nIt is tried again every second. Tokens in the keyring are not touched by this.",
    )


def title_words(shown: int, whole: int, text: str) -> str:
    """Return the title of the table: how many there are, and how many of them the filter lets through."""
    if text.strip():
        return f"Credentials: {shown} of {whole} match {safe_line(text.strip(), 40)!r}"
    return f"Credentials: {whole}"


def damaged_words(count: int) -> str:
    """Say how many records cannot be read and how to be rid of them; nothing where there are none."""
    if not count:
        return ""
    records = "1 record" if count == 1 else f"{count} records"
    return f"! {records} cannot be read: authlens list names them"
