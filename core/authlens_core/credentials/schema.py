"""The tables of the index, and the way from one version of them to the next."""

from __future__ import annotations

import sqlite3
from typing import Final

__all__ = ["SCHEMA_VERSION", "migrate", "version"]

SCHEMA_VERSION: Final = 1

# `record` holds the grant as JSON: a newer field is a new key, not a new column. `generation` is the pointer
# that a save switches; it stands apart, so that no other write can move it.
_TABLES: Final = (
    """
    CREATE TABLE grants (
        grant_id   TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        record     TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE clients (
        client_key TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        record     TEXT NOT NULL
    ) STRICT
    """,
    # Generations that are being written or deleted: what a crash leaves in the keyring is found from here.
    """
    CREATE TABLE leftovers (
        key        TEXT NOT NULL,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        PRIMARY KEY (key, generation)
    ) STRICT
    """,
    """
    CREATE TABLE pending_refresh (
        grant_id   TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        started_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        at       TEXT NOT NULL,
        kind     TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        detail   TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX events_of_grant ON events (grant_id, event_id)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)


def version(connection: sqlite3.Connection) -> int:
    """Return the schema version of the file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `SCHEMA_VERSION`, in one transaction; two processes may try at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version(connection) == 0:
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
