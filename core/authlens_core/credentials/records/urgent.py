"""The logins that need a user first, chosen by SQLite: as many as a screen shows, however many there are.

Parsing ten thousand records takes longer than everything else before the first paint. A test holds that this
module and `inventory.arranged` choose the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from authlens_core.credentials.records.grant import BY_STATE, Grant, StatusKind
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.lifetime import SOON, SOON_SHARE
from authlens_core.credentials.records.record_json import record_from_json

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


def count_logins(index: Index) -> int:
    with index.reading() as connection:
        return int(connection.execute("SELECT count(*) FROM grants").fetchone()[0])


def most_urgent(
    index: Index, ranks: Mapping[StatusKind, int], now: datetime, limit: int
) -> tuple[Grant, ...]:
    """Return the first `limit` logins in the order of `ranks`, then of their resources; newest login first.

    Raises:
        ValueError: one of them is damaged.
        StateUnusable: the index cannot be used, or a record in it is no JSON.
    """
    values: dict[str, object] = {kind.name: rank for kind, rank in ranks.items()}
    values |= {"now": now.isoformat(), "soon": SOON.total_seconds(), "share": SOON_SHARE, "limit": limit}
    with index.reading() as connection:
        rows = connection.execute(_QUERY, values).fetchall()
    found = [record_from_json(Grant, *row) for row in rows]
    return tuple(sorted(found, key=lambda grant: grant.obtained_at, reverse=True))
