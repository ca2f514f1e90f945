"""How long an access token lasts, and when it is refreshed: the one rule, for every caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from authlens_core.credentials.records.grant import Grant

# How long before its end a token counts as ending: the earliest moment at which it is refreshed.
SOON: Final = timedelta(seconds=60)
# What share of its life a short-lived token has left when it counts as ending.
SOON_SHARE: Final = 0.2
FRACTION: Final = 0.8  # of the life of an access token
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_OWN_WAIT: Final = timedelta(minutes=10)
# How long a server may ask to be left alone.
LONGEST_WAIT: Final = timedelta(days=1)
# A wait is made longer by at most this share.
JITTER: Final = 0.2


def outlasts(
    refreshed_at: datetime, expires_at: datetime | None, wanted: timedelta | None, now: datetime
) -> bool:
    """Return whether a token lasts for as long as is wanted.

    Where the clock was put back to before the token was asked for, how long it lasts is unknown.

    Args:
        expires_at: when it ends; None if unknown.
        wanted: how long; None for a minute, or half of its life where that is less: a token that never
            lasted a minute is not refreshed at every call. Nor is one that never lasted for `wanted`.
    """
    # RFC 6749 §5.1 lets a server leave it out. Then only a refusal of the resource shows the end.
    if expires_at is None:
        return True
    # The clock was put back: how long the token still lasts is unknown, and a refresh is safe.
    if now < refreshed_at:
        return False
    # Half of its life at most: a token of a minute would otherwise always count as ending.
    life = expires_at - refreshed_at
    enough = min(SOON, life / 2) if wanted is None or wanted >= life else wanted
    return expires_at - now > enough


def is_soon(left: float, began: datetime | None, ends: datetime | None) -> bool:
    """Say whether a token with `left` seconds to go counts as ending, by its whole life where that is known.

    Without the whole life a token that lasts a minute would be ending from the start.
    """
    life = (ends - began).total_seconds() if began is not None and ends is not None else 0.0
    least = SOON.total_seconds()
    return left <= (min(least, SOON_SHARE * life) if life > 0 else least)


def refresh_due(
    grant: Grant, now: datetime, *, fraction: float = FRACTION, lead: timedelta = SOON
) -> datetime | None:
    """Return when the access token of `grant` is to be refreshed; None if it has no known end.

    At `fraction` of its life or `lead` before its end, whichever comes first; but never in the first half of
    its life, so that a token that lasts a minute is not refreshed without a pause. Where the clock was put
    back to before the token was asked for, nothing is known of its age, and it is due now.

    Args:
        fraction: of the life, from 0.5 to 1.
    """
    if grant.expires_at is None:
        return None
    # The clock was set back. When the token really ends is unknown, so it is replaced now.
    if now < grant.refreshed_at:
        return now
    life = grant.expires_at - grant.refreshed_at
    return grant.expires_at - max(life * (1 - fraction), min(lead, life / 2))


def lasts(grant: Grant, wanted: timedelta | None, now: datetime) -> bool:
    """Return whether the access token of `grant` lasts for as long as is wanted; see `outlasts`."""
    return outlasts(grant.refreshed_at, grant.expires_at, wanted, now)


def next_attempt(attempts: int, now: datetime, *, asked: int | None, jitter: float) -> datetime:
    """Return when to try again after `attempts` refreshes that failed one after another.

    10 s after the first, twice as long after each, 10 minutes at most; longer where the server asks for it.

    Args:
        attempts: how many failed, from 1.
        asked: seconds of the server's Retry-After (RFC 9110 §10.2.3), or None.
        jitter: from 0 to 1, at random: it makes the wait up to a fifth longer, so that programs that failed
            together do not come back together.
    """
    # Bounded before the shift: a grant that has failed for months must not make a number of a thousand bits.
    doublings = min(max(attempts, 1) - 1, 10)
    wait = min(FIRST_WAIT * (1 << doublings), LONGEST_OWN_WAIT)
    if asked is not None:
        wait = max(wait, timedelta(seconds=min(max(asked, 0), LONGEST_WAIT.total_seconds())))
    # So that the programs of one machine, and the machines of one office, do not come back in the same
    # second.
    return now + wait * (1 + JITTER * min(max(jitter, 0.0), 1.0))


def seconds_until_retry(grant: Grant, now: datetime) -> float:
    """Return how long a grant that failed is to be left alone; 0 where it may be tried.

    A wait that is longer than any that is ever noted comes from a clock that was put back: it counts as over.
    """
    if grant.retry_at is None:
        return 0.0
    left = grant.retry_at - now
    # A time that is further off is of another clock, and would keep the grant from ever being refreshed.
    return left.total_seconds() if timedelta(0) < left <= LONGEST_WAIT * (1 + JITTER) else 0.0
