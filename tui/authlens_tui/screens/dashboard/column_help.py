"""What the columns of the dashboard are, for its help."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

_ABOUT: Final = (
    "Every credential of this machine: those authlens stores, and those of cloudflared, which are read-only."
)
_COLUMNS: Final = {
    "life": ("Expires", "is how long the token is valid"),
    "kind": ("Kind", "is OAuth, a service token or cloudflared"),
    "proven": ("Verified", "is when the resource last accepted it"),
    "next": ("Refresh", "is when authlens gets a new token automatically, while it is open"),
    "login": ("Login", "is how long ago you signed in"),
    "team": ("Team", "is the server that issued it"),
    "person": ("Account", "is who signed in"),
}


def column_help(shown: Collection[str], wanted: Iterable[str]) -> str:
    """Describe the columns of the table.

    Args:
        shown: keys of those that there is room for.
        wanted: keys of all that a wider terminal shows.
    """
    columns = [(key, *_COLUMNS[key]) for key in wanted if key in _COLUMNS]
    described = [f"{title} {meaning}." for key, title, meaning in columns if key in shown]
    others = ", ".join(title for key, title, _ in columns if key not in shown)
    more = [f"A wider terminal also shows {others}."] if others else []
    return " ".join((_ABOUT, *described, *more))
