"""The demo users that every login page offers."""

from __future__ import annotations

from typing import Final

USERS: Final = ("ada@example.com", "grace@example.com", "mallory@example.com")


def email_of(user: str) -> str:
    """Return the e-mail address of a demo user, who may be named by the part before the @."""
    return user if "@" in user else f"{user}@example.com"
