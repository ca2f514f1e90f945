"""The tables of the index, the way from one version of them to the next, and transactions on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# `record` holds the grant as JSON: a newer field is a new key, not a new column. `generation` is the pointer
# that a save switches; it is separate, so that no other write can move it.
_FIRST: Final = (
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

# The pointer says in which place a generation is, too: records move from one to another one at a time.
_PLACES: Final = tuple(
    f"ALTER TABLE {table} ADD COLUMN place TEXT NOT NULL DEFAULT 'keyring'"
    for table in ("grants", "clients", "leftovers")
)
_SERVICE_TOKENS: Final = (
    """
    CREATE TABLE service_tokens (
        token_id   TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        record     TEXT NOT NULL,
        place      TEXT NOT NULL
    ) STRICT
    """,
)
# A number is never used twice, not even after its generation was deleted and forgotten: a write that comes
# late, from a program that was killed, must not fall on what another one has stored since.
_BEGUN: Final = (
    "CREATE TABLE begun (key TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT",
    """
    INSERT INTO begun SELECT key, max(generation) FROM (
        SELECT grant_id AS key, generation FROM grants
        UNION ALL SELECT client_key, generation FROM clients
        UNION ALL SELECT token_id, generation FROM service_tokens
        UNION ALL SELECT key, generation FROM leftovers)
    GROUP BY key
    """,
)
# The history outlives a credential, and then only the event that began it says what it was for. Earlier
# versions wrote "resource at issuer" as the detail of a login, and that is read here for the last time.
_EVENT_RESOURCES: Final = (
    "ALTER TABLE events ADD COLUMN resource TEXT NOT NULL DEFAULT ''",
    """
    UPDATE events SET resource = substr(detail, 1, instr(detail, ' at ') - 1)
    WHERE kind = 'login' AND instr(detail, ' at ') > 0
    """,
)
# What makes each version out of the one before.
_STEPS: Final = (_FIRST, _PLACES, _SERVICE_TOKENS, _BEGUN, _EVENT_RESOURCES)

SCHEMA_VERSION: Final = len(_STEPS)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Lend the connection for one transaction, which is undone when anything is raised."""
    # Takes the lock for writing now. A plain BEGIN takes it at the first write, where SQLite fails with BUSY
    # without waiting.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back on its own where the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version(connection: sqlite3.Connection) -> int:
    """Return the schema version of the file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `SCHEMA_VERSION`, in one transaction; two processes may try at once."""
    if version(connection) >= SCHEMA_VERSION:
        return  # A write transaction costs four fdatasync and the exclusive lock, on every command.
    with transaction(connection):
        for step in _STEPS[version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
