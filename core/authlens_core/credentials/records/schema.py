"""The tables of the index, and how a file of SQLite is opened and written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# A write takes milliseconds; more than that is a process that hangs, and a user who waits.
BUSY_SECONDS: Final = 2.0

# The schema of the file: another one is written under another number. Those below 5 are of versions that were
# never released; no code reads them.
SCHEMA_VERSION: Final = 5

# `record` is the record as JSON: a newer field is a new key, not a new column. `generation` and `place` are
# the pointer to its secrets, which a save switches; they are columns, so that no other write can move them.
_RECORDS: Final = """
    CREATE TABLE {table} (
        {key}      TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        record     TEXT NOT NULL,
        place      TEXT NOT NULL
    ) STRICT
"""
_TABLES: Final = (
    _RECORDS.format(table="grants", key="grant_id"),
    _RECORDS.format(table="clients", key="client_key"),
    _RECORDS.format(table="service_tokens", key="token_id"),
    # Generations that are being written or deleted: what a crash leaves in the keyring is found from here.
    """
    CREATE TABLE leftovers (
        key        TEXT NOT NULL,
        generation INTEGER NOT NULL,
        entries    INTEGER NOT NULL,
        place      TEXT NOT NULL,
        PRIMARY KEY (key, generation)
    ) STRICT
    """,
    # A number is never used twice, not even after its generation was deleted and forgotten: a write that
    # comes late, from a program that was killed, must not fall on what another one has stored since.
    "CREATE TABLE begun (key TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT",
    """
    CREATE TABLE pending_refresh (
        grant_id   TEXT PRIMARY KEY,
        generation INTEGER NOT NULL,
        started_at TEXT NOT NULL
    ) STRICT
    """,
    # The history outlives a credential, and then only the event that began it says what it was for.
    """
    CREATE TABLE events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        at       TEXT NOT NULL,
        kind     TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        detail   TEXT NOT NULL,
        resource TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX events_of_grant ON events (grant_id, event_id)",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)


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


def connected(
    where: str | Path, prepare: Callable[[sqlite3.Connection], None], **options: Any
) -> sqlite3.Connection:
    """Return a connection that `prepare` had first; what is not in a `transaction` is one for itself.

    Args:
        options: of `sqlite3.connect`.
    """
    options = {"timeout": BUSY_SECONDS, "isolation_level": None, **options}
    connection: sqlite3.Connection = sqlite3.connect(where, **options)
    try:
        prepare(connection)
    except BaseException:  # a Ctrl-C, too
        connection.close()
        raise
    return connection


def version(connection: sqlite3.Connection) -> int:
    """Return the schema version of the file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file, in one transaction; two processes may try at once."""
    if version(connection) == SCHEMA_VERSION:
        return  # A write transaction costs four fdatasync and the exclusive lock, on every command.
    with transaction(connection):
        if version(connection) == SCHEMA_VERSION:
            return
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
