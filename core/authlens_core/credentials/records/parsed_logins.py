"""The logins of an index as they were read last: parsing thousands takes longer than a key may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.record_json import record_from_json
from authlens_core.values.safe_text import NAME, safe_line

Stamp = tuple[int, int]
Logins = tuple[tuple[Grant, ...], tuple[str, ...]]
_Row = tuple[str, int, str, str]


class ParsedLogins:
    """Every login that can be read, newest first, and the ids of those that cannot."""

    def __init__(self) -> None:
        self.reading = asyncio.Lock()
        """Held by who parses them in a thread, so that another who needs them waits and parses nothing."""
        self._at: tuple[Stamp, Logins] | None = None
        self._known: dict[_Row, Grant] = {}

    def at(self, stamp: Stamp) -> Logins | None:
        """Return what was parsed when the index had this stamp; None if it has changed since."""
        return self._at[1] if self._at is not None and self._at[0] == stamp else None

    def parse(self, stamp: Stamp, rows: Iterable[_Row]) -> Logins:
        """Return what the rows hold; a row that was parsed before is not parsed again."""
        found: list[Grant] = []
        damaged: list[str] = []
        known, self._known = self._known, {}
        for row in rows:
            try:
                grant = known.get(row) or record_from_json(Grant, row[3], row[1], row[2])
            except ValueError:
                damaged.append(safe_line(row[0], NAME))
            else:
                self._known[row] = grant
                found.append(grant)
        found.sort(key=lambda grant: grant.obtained_at, reverse=True)
        self._at = stamp, (tuple(found), tuple(damaged))
        return self._at[1]

    def adopt(self, other: ParsedLogins, stamp: Stamp | None) -> None:
        """Parse nothing again that another opening of the same index has parsed.

        Args:
            stamp: of this opening, if nothing was written since before the other one read; else None.
        """
        self._known = {**other._known, **self._known}
        if stamp is not None and other._at is not None:
            self._at = stamp, other._at[1]
