"""The top of the table without the rest: what a first screen shows costs the same for any number of rows."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from datetime import datetime

from authlens_core.credentials.inventory.inventory import (
    URGENT,
    InventoryEntry,
    SortOrder,
    arranged,
    inventory_of,
)
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.parsed_logins import ParsedLogins
from authlens_core.credentials.records.table import all_service_tokens
from authlens_core.credentials.records.urgent import count_logins, most_urgent
from authlens_core.errors import AuthlensError
from authlens_core.quick_dataclass import dataclass
from authlens_core.state.paths import StateUnusable


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The first credentials by urgency, and how many follow."""

    entries: tuple[InventoryEntry, ...]
    more: int


def first_look(index: Index, now: datetime, limit: int) -> FirstLook | None:
    """Return the `limit` most urgent credentials of the index; None where it is as quick to read them all.

    It is also None where reading them all says better what is wrong.
    """
    try:
        count = count_logins(index)
        if count <= limit:
            return None
        grants = most_urgent(index, URGENT, now, limit)
        tokens, damaged = all_service_tokens(index)
    except (StateUnusable, ValueError):
        return None
    rows = arranged(inventory_of(grants, (), tokens), SortOrder.NEEDS, now)
    first = tuple(row for row in rows[:limit] if isinstance(row, InventoryEntry))
    return FirstLook(first, count + len(tokens) + len(damaged) - len(first))


async def parse_aside(index: Index) -> None:
    """Parse every login in a thread, so that the next call of `grants` does not have to.

    That call reports what cannot be read.
    """
    async with index.parsed.reading:
        with suppress(AuthlensError):
            before = index.stamp()
            if index.parsed.at(before) is None:
                parsed = await asyncio.to_thread(_parsed, index)
                index.parsed.adopt(parsed, before if index.stamp() == before else None)


def _parsed(index: Index) -> ParsedLogins:
    other = index.another()
    if other is None:
        return index.parsed
    with closing(other):
        other.grants()
    return other.parsed
