"""How long an access token lasts: the one rule, for every caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

# How long before its end a token counts as ending: the earliest moment at which it is refreshed.
SOON: Final = timedelta(seconds=60)
# What share of its life a short-lived token has left when it counts as ending.
SOON_SHARE: Final = 0.2


def outlasts(
    refreshed_at: datetime, expires_at: datetime | None, wanted: timedelta | None, now: datetime
) -> bool:
    """Return whether a token lasts for as long as is wanted.

    Where the clock was put back to before the token was asked for, how long it lasts is unknown.

    Args:
        expires_at: when it ends; None if unknown.
        wanted: how long; None for a minute, or half of its life where that is less: a token that never
            lasted a minute is not refreshed at every call.
    """
    # RFC 6749 §5.1 lets a server leave it out. Then only a refusal of the resource shows the end.
    if expires_at is None:
        return True
    # The clock was put back: how long the token still lasts is unknown, and a refresh is safe.
    if now < refreshed_at:
        return False
    # Half of its life at most: a token of a minute would otherwise always count as ending.
    enough = min(SOON, (expires_at - refreshed_at) / 2) if wanted is None else wanted
    return expires_at - now > enough


def is_soon(left: float, began: datetime | None, ends: datetime | None) -> bool:
    """Say whether a token with `left` seconds to go counts as ending, by its whole life where that is known.

    Without the whole life a token that lasts a minute would be ending from the start.
    """
    life = (ends - began).total_seconds() if began is not None and ends is not None else 0.0
    least = SOON.total_seconds()
    return left <= (min(least, SOON_SHARE * life) if life > 0 else least)
