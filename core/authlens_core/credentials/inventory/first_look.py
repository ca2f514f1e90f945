"""The top of the table without the rest: what a first screen shows costs the same for any number of rows.

SQLite chooses the logins that need a user first: parsing ten thousand records takes longer than everything
else before the first paint. A test holds that it chooses the ones that `inventory.arranged` puts first.
"""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from datetime import datetime
from typing import Final

from authlens_core.credentials.inventory.inventory import (
    URGENT,
    InventoryEntry,
    SortOrder,
    arranged,
    inventory_of,
)
from authlens_core.credentials.records.grant import BY_STATE, Grant
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.lifetime import SOON, SOON_SHARE
from authlens_core.credentials.records.parsed_logins import ParsedLogins
from authlens_core.credentials.records.record_json import record_from_json
from authlens_core.credentials.records.table import all_service_tokens
from authlens_core.values.errors import AuthlensError, StateUnusable
from authlens_core.values.quick_dataclass import dataclass

_OF_STATE: Final = " ".join(f"WHEN '{state}' THEN :{kind.name}" for state, kind in BY_STATE.items())
# Rounded to milliseconds below: a julianday is a float of days, and would differ in the last digits.
_LIFE: Final = "(julianday(expires) - julianday(refreshed)) * 86400 * :share"
_QUERY: Final = f"""
    WITH read AS (
        SELECT rowid AS number,
            json_extract(record, '$.state') AS state,
            json_extract(record, '$.last_verdict') AS verdict,
            json_extract(record, '$.resource_url') AS url,
            json_extract(record, '$.has_refresh_token') AS refreshable,
            json_extract(record, '$.obtained_at') AS obtained,
            json_extract(record, '$.refreshed_at') AS refreshed,
            json_extract(record, '$.expires_at') AS expires,
            round((julianday(json_extract(record, '$.expires_at')) - julianday(:now)) * 86400, 3) AS remaining
        FROM grants
    ), first AS (
        SELECT number FROM read ORDER BY
            CASE state {_OF_STATE} ELSE CASE
                WHEN verdict = 'refused' THEN :REFUSED
                WHEN remaining IS NULL THEN :UNKNOWN_END
                WHEN remaining > :soon THEN :LIVE
                WHEN remaining > 0 AND remaining > round({_LIFE}, 3) AND {_LIFE} > 0 THEN :LIVE
                WHEN remaining > 0 THEN :SOON
                WHEN refreshable THEN :REFRESHABLE
                ELSE :EXPIRED
            END END,
            rtrim(CASE WHEN url LIKE 'https://%' THEN substr(url, 9) ELSE url END, '/'), obtained DESC, number
        LIMIT :limit
    )
    SELECT record, generation, place FROM grants WHERE rowid IN first ORDER BY rowid
"""  # noqa: S608 - states and kinds are constants


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
        with index.reading() as connection:
            count = int(connection.execute("SELECT count(*) FROM grants").fetchone()[0])
        if count <= limit:
            return None
        grants = _most_urgent(index, now, limit)
        tokens, damaged = all_service_tokens(index)
    except (StateUnusable, ValueError):
        return None
    rows = arranged(inventory_of(grants, (), tokens), SortOrder.NEEDS, now)
    first = tuple(row for row in rows[:limit] if isinstance(row, InventoryEntry))
    return FirstLook(first, count + len(tokens) + len(damaged) - len(first))


def _most_urgent(index: Index, now: datetime, limit: int) -> tuple[Grant, ...]:
    """Return the first `limit` logins by urgency, then by resource; newest login first.

    Raises:
        ValueError: one of them is damaged.
        StateUnusable: the index cannot be used, or a record in it is no JSON.
    """
    values: dict[str, object] = {kind.name: rank for kind, rank in URGENT.items()}
    values |= {"now": now.isoformat(), "soon": SOON.total_seconds(), "share": SOON_SHARE, "limit": limit}
    with index.reading() as connection:
        rows = connection.execute(_QUERY, values).fetchall()
    found = [record_from_json(Grant, *row) for row in rows]
    return tuple(sorted(found, key=lambda grant: grant.obtained_at, reverse=True))


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
