"""The tables of records that have secrets: key, pointer to the valid generation, and record as JSON.

Every function here is a part of a transaction of the caller.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from authlens_core.credentials.records.grant import ClientRecord, Grant
from authlens_core.credentials.records.record_json import to_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One table; both names are constants of this module, so that they can be in SQL."""

    name: str
    key: str

    def put(
        self,
        connection: sqlite3.Connection,
        key: str,
        record: Grant | ClientRecord | ServiceToken,
        entries: int,
    ) -> None:
        """Make `record.generation` the valid one, with these facts; the generation before is left over."""
        self.leave(connection, key)
        query = f"""
            INSERT OR REPLACE INTO {self.name} ({self.key}, generation, entries, place, record)
            VALUES (?, ?, ?, ?, ?)
        """  # noqa: S608
        connection.execute(query, (key, record.generation, entries, record.place, to_json(record)))
        settle(connection, key, record.generation)

    def remove(self, connection: sqlite3.Connection, key: str) -> None:
        """Remove a record; its secrets are left over until they are deleted."""
        self.leave(connection, key)
        connection.execute(f"DELETE FROM {self.name} WHERE {self.key} = ?", (key,))  # noqa: S608

    def leave(self, connection: sqlite3.Connection, key: str) -> None:
        """Note the generation that a record points to as left over."""
        query = f"""
            INSERT OR IGNORE INTO leftovers (key, generation, entries, place)
            SELECT {self.key}, generation, entries, place FROM {self.name}
            WHERE {self.key} = ? AND entries > 0
        """  # noqa: S608
        connection.execute(query, (key,))

    def exists(self, connection: sqlite3.Connection) -> bool:
        """Return whether the table is there: an index that cannot be changed may be of another version."""
        query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
        return bool(connection.execute(query, (self.name,)).fetchone()[0])


LOGINS: Final = Table("grants", "grant_id")
SERVICE_TOKENS: Final = Table("service_tokens", "token_id")
CLIENTS: Final = Table("clients", "client_key")


def settle(connection: sqlite3.Connection, key: str, generation: int) -> None:
    """Take a generation off the leftovers."""
    connection.execute("DELETE FROM leftovers WHERE key = ? AND generation = ?", (key, generation))
