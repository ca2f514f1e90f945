"""How long an access token lasts: the one rule, for every caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

SOON: Final = timedelta(seconds=60)
"""How long before its end a token counts as ending: the earliest moment at which it is refreshed."""


def outlasts(
    refreshed_at: datetime, expires_at: datetime | None, wanted: timedelta | None, now: datetime
) -> bool:
    """Return whether a token lasts for as long as is wanted.

    Where the clock was put back to before the token was asked for, it cannot be told how long it lasts.

    Args:
        refreshed_at: when the token was asked for.
        expires_at: when it ends; None if unknown.
        wanted: how long; None for a minute, or half of its life where that is less: a token that never
            lasted a minute is not refreshed at every call.
    """
    if expires_at is None:
        return True
    if now < refreshed_at:
        return False
    enough = min(SOON, (expires_at - refreshed_at) / 2) if wanted is None else wanted
    return expires_at - now > enough
