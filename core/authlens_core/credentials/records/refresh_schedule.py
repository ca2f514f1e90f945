"""When a grant is refreshed: as a caller asks, automatically, and again after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.lifetime import SOON, outlasts
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshOptions:
    """What the caller of a refresh wants.

    Attributes:
        min_ttl: how long the access token has to last to be left alone; None for a minute, or half of its
            life if that is less.
        force: refresh a token that lasts long enough, too.
        despite_unknown: send the refresh token although it may be spent, because the user chose to.
        patient: send nothing before the time at which a refresh that failed is to be tried again.
        refused: the access token that the resource has refused (RFC 6750 §3.1, `invalid_token`): it is
            refreshed however long it should last, unless another one is stored by now.
        give_up: asked repeatedly during the wait for another process that is refreshing; true ends it.
    """

    min_ttl: timedelta | None = None
    force: bool = False
    despite_unknown: bool = False
    patient: bool = False
    refused: Secret | None = None
    give_up: Callable[[], bool] = bool


FRACTION: Final = 0.8  # of the life of an access token
FIRST_WAIT: Final = timedelta(seconds=10)
LONGEST_OWN_WAIT: Final = timedelta(minutes=10)
# How long a server may ask to be left alone.
LONGEST_WAIT: Final = timedelta(days=1)
# A wait is made longer by at most this share.
JITTER: Final = 0.2


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
