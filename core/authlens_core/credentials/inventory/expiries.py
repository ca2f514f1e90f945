"""Which credentials have expired, and which will within a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from authlens_core.credentials.inventory.inventory import InventoryEntry
from authlens_core.values.quick_dataclass import dataclass

SOON: Final = timedelta(minutes=15)
AHEAD: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Expiries:
    """When the credentials in use expire.

    Attributes:
        expired: how many have.
        soon: how many will within `SOON`.
        coming: the title of each that will within `AHEAD`, and when, the next one first.
    """

    expired: int = 0
    soon: int = 0
    coming: tuple[tuple[str, datetime], ...] = ()


def expiries_of(entries: Iterable[InventoryEntry], now: datetime) -> Expiries:
    """Return when the credentials that someone still wants expire."""
    ends = [
        (entry.token_ends, entry.title)
        for entry in entries
        if entry.token_ends is not None and (entry.grant is None or entry.grant.state.is_wanted)
    ]
    coming = sorted((end, title) for end, title in ends if now < end <= now + AHEAD)
    return Expiries(
        sum(end <= now for end, _ in ends),
        sum(end <= now + SOON for end, _ in coming),
        tuple((title, end) for end, title in coming),
    )
