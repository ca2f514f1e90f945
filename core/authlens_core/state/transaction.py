"""One SQLite transaction: all of it, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


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
