"""The index: every grant, client and event in one SQLite file, and no secret in it.

It says which generation of secrets is the valid one. That pointer moves in one transaction together with the
facts of the grant, which is what makes a save whole or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.record_json import from_text, to_json
from authlens_core.credentials.records.schema import (
    BUSY_SECONDS,
    SCHEMA_VERSION,
    connected,
    create_tables,
    transaction,
    version,
)
from authlens_core.credentials.records.table import LOGINS, Pointer, pointers_of, settle
from authlens_core.state.paths import own_file, state_directory
from authlens_core.values.errors import AuthlensError, StateUnusable
from authlens_core.values.fix import Fix, again
from authlens_core.values.safe_text import safe_line
from authlens_core.values.store_kind import StoreKind

Logins = tuple[tuple[Grant, ...], tuple[str, ...]]

KEPT_EVENTS: Final = 10_000  # of the history


class IndexBusy(StateUnusable):
    """Another process has held the index for as long as the caller wanted to wait."""


class IndexReadOnly(StateUnusable):
    """The index can be read and not written."""


class AccessKind(StrEnum):
    """The kind of an event in the history. The index may hold others: another version wrote them."""

    LOGIN = "login"
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    REFRESHED = "refreshed"
    REFRESH_LOGIN_NEEDED = "refresh: login needed"
    REFRESH_UNKNOWN = "refresh: unknown"
    REFRESH_INTERRUPTED = "refresh interrupted"
    REVOKED = "revoked"
    REVOCATION_FAILED = "revocation failed"
    RENEWAL_ENDED = "renewal ended"
    REVEALED = "revealed"
    COPIED = "copied"
    MOVED = "moved"
    FORGOTTEN = "forgotten"
    RESTORED = "restored"
    SERVICE_TOKEN_ADDED = "service token added"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_REPLACED = "service token replaced"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_UNCHANGED = "service token unchanged"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_EDITED = "service token edited"  # noqa: S105 - an event, not a token
    SERVICE_TOKEN_REMOVED = "service token removed"  # noqa: S105 - an event, not a token
    CLIENT_REGISTERED = "client registered"
    CLIENT_FORGOTTEN = "client forgotten"


# What needs a user's attention.
TROUBLES: Final = frozenset(
    {
        AccessKind.NOT_VERIFIED,
        AccessKind.REFRESH_LOGIN_NEEDED,
        AccessKind.REFRESH_UNKNOWN,
        AccessKind.REFRESH_INTERRUPTED,
        AccessKind.REVOCATION_FAILED,
    }
)


class Event(Struct, frozen=True):
    """Something that happened to a credential. Every text is safe to show and holds no secret.

    Attributes:
        kind: an `AccessKind`, or the words of another version.
        grant_id: the id of the credential; empty for what belongs to none.
        resource: in the index the URL it is for, in the event that began it, and empty in the others; in
            `access_events` the name of its resource, in each.
        event_id: grows with each event; 0 for one that is in no index.
    """

    at: datetime
    kind: str
    grant_id: str
    detail: str
    resource: str = ""
    event_id: int = 0

    @property
    def is_trouble(self) -> bool:
        """True for an event after which the credential may not work, or may work although it should not."""
        return self.kind in TROUBLES

    @property
    def json_line(self) -> str:
        """The event as a line of JSON, in ASCII alone, so that nothing in it can steer a terminal."""
        members = {
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "event": self.kind,
            "credential": self.grant_id,
            "resource": self.resource,
            "detail": self.detail,
        }
        return f"{json.dumps(members)}\n"


class Pending(Struct, frozen=True):
    """A refresh that was started: the generation it started from, and when."""

    grant_id: str
    generation: int
    started_at: datetime


def _event(event_id: int, at: str, kind: str, grant_id: str, detail: str, resource: str) -> Event:
    kind, grant_id, detail, resource = map(safe_line, (kind, grant_id, detail, resource))
    return Event(from_text(at), kind, grant_id, detail, resource, event_id)


def _unusable(error: sqlite3.Error, path: str) -> StateUnusable:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_BUSY:
        return IndexBusy(f"The index {path} is locked by another process.", "Try again in a moment.")
    # The secrets are in the keyring; the records that point to them are what is lost.
    if code == sqlite3.SQLITE_NOTADB:
        cure: str | Fix = again("Move the file away; you then log in again")
    else:
        cure = "Check the disk (full? read-only?), or set AUTHLENS_HOME to another directory."
    return StateUnusable(f"The index {path} cannot be used: {error}.", cure)


class Index:
    """An open index. Every method is one short transaction and blocks at most `BUSY_SECONDS`.

    Args:
        path: the file, made private if it was not there; None keeps everything in memory.

    Raises:
        StateUnusable: the file is no index or cannot be used; by every method, too.
    """

    def __init__(self, path: Path | None) -> None:
        self._where = ":memory:" if path is None else str(path)
        self._read: tuple[tuple[int, int], Logins] | None = None
        self.read_only = ""
        """Why the index can only be read, in words; the empty string if it can be written."""
        try:
            if path is not None:
                own_file(path)
        except StateUnusable as error:
            # A file that is ours and can only be read is still worth showing; a link or a stranger's is not.
            if (
                not isinstance(error.__cause__, OSError)
                or path is None
                or not path.is_file()
                or path.is_symlink()
            ):
                raise
            self.read_only = f"{error.cause} Its contents are shown; nothing can be stored."
        try:
            self.connection = self._open()
        except sqlite3.Error as error:
            raise _unusable(error, self._where) from error

    @classmethod
    def stored(cls) -> Index | None:
        """Return the records, which need no open secret store; None if there are none yet."""
        try:
            path = state_directory() / "index.sqlite3"
            return cls(path) if path.exists() else None
        except AuthlensError:  # opening the store says what is wrong
            return None

    def _open(self) -> sqlite3.Connection:
        if not self.read_only:
            return connected(self._where, self._prepare)
        # As a URI: SQLite knows "only read" in no other way, and would try to make the file.
        return connected(f"{Path(self._where).absolute().as_uri()}?mode=ro", self._prepare, uri=True)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        written = version(connection)
        if 0 < written < SCHEMA_VERSION:
            raise StateUnusable(
                f"An authlens from before the first release made the index {self._where}.",
                again("Delete this file, then log in again"),
            )
        if written > SCHEMA_VERSION:
            self.read_only = (
                f"A newer authlens wrote the index (version {written}; this one knows {SCHEMA_VERSION}). It "
                "is read-only here."
            )
        if not self.read_only:
            # With less, a power cut may take the last transaction back, and with it a refresh token.
            connection.execute("PRAGMA synchronous = FULL")
            create_tables(connection)

    def is_same(self, other: Index) -> bool:
        """Return whether `other` is this index, or another opening of the same file."""
        return other is self or (self._where == other._where != ":memory:")

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self.connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to look something up."""
        try:
            yield self.connection
        except sqlite3.Error as error:
            raise _unusable(error, self._where) from error

    @contextmanager
    def waiting_briefly(self) -> Iterator[None]:
        """Let no call in the block wait for other processes: it raises `IndexBusy` after 10 ms.

        A screen shares the thread: it shows what it has, and looks again later.
        """
        with self.reading() as connection:
            connection.execute("PRAGMA busy_timeout = 10")
        try:
            yield
        finally:
            with self.reading() as connection:
                connection.execute(f"PRAGMA busy_timeout = {round(BUSY_SECONDS * 1000)}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for one transaction: all of it, or nothing when anything is raised.

        Within the block of another one it is a part of that one: they wait for the disk together.
        """
        if self.read_only:
            raise IndexReadOnly(self.read_only, "Use the newer version, or set AUTHLENS_HOME.")
        with self.reading() as connection:
            # A caller has begun it, and what is written here belongs to the whole of it.
            if connection.in_transaction:
                yield connection
                return
            with transaction(connection):
                yield connection

    def _stamp(self) -> tuple[int, int]:
        """Return what is another value after each write, of this process or another."""
        with self.reading() as connection:
            version = connection.execute("PRAGMA data_version").fetchone()
            return int(version[0]), connection.total_changes

    # Grants

    def grants(self) -> Logins:
        """Return every grant that can be read, newest login first, and the ids of those that cannot.

        While no one writes, the answer of the last call is given again: a screen asks every second.
        """
        stamp = self._stamp()  # before the rows: what is written in between is read the next time
        if self._read is None or self._read[0] != stamp:
            grants, damaged = LOGINS.all(self)
            newest_first = sorted(grants.values(), key=lambda grant: grant.obtained_at, reverse=True)
            self._read = stamp, (tuple(newest_first), damaged)
        return self._read[1]

    def grant(self, grant_id: str) -> Grant | None:
        """Return one grant, or None if there is none.

        Raises:
            StateUnusable: its record is damaged.
        """
        try:
            return LOGINS.get(self, grant_id)
        except ValueError as error:
            raise StateUnusable(
                "The record of this login is damaged.",
                again("Forget it (authlens forget), then log in again"),
            ) from error

    def update(self, grant: Grant) -> bool:
        """Change the facts of a grant whose secrets stay; False if the generation has moved on."""
        with self.writing() as connection:
            cursor = connection.execute(
                "UPDATE grants SET record = ? WHERE grant_id = ? AND generation = ?",
                (to_json(grant), grant.grant_id, grant.generation),
            )
            return cursor.rowcount == 1

    # Leftovers

    def begin(self, key: str, entries: int, place: StoreKind) -> int:
        """Note that secrets of `key` are about to be written to `place`; return a new number."""
        with self.writing() as connection:
            query = """
                INSERT INTO begun (key, generation) VALUES (?, 1)
                ON CONFLICT (key) DO UPDATE SET generation = generation + 1
                RETURNING generation
            """
            generation = int(connection.execute(query, (key,)).fetchone()[0])
            connection.execute(
                "INSERT INTO leftovers (key, generation, entries, place) VALUES (?, ?, ?, ?)",
                (key, generation, entries, place),
            )
            return generation

    def leftovers(self) -> tuple[Pointer, ...]:
        """Return what is being written or deleted in a store, or was left there by a crash."""
        with self.reading() as connection:
            rows = connection.execute("SELECT key, generation, entries, place FROM leftovers").fetchall()
        return tuple(pointers_of(rows))

    def places_left(self) -> tuple[StoreKind, ...]:
        """Return the places that still hold secrets which nothing points to any more."""
        return tuple(sorted({leftover.place for leftover in self.leftovers()}))

    def settled(self, leftover: Pointer) -> None:
        """Note that a leftover was deleted from its store."""
        with self.writing() as connection:
            settle(connection, leftover.key, leftover.generation)

    # Pending refreshes

    def mark_pending(self, pending: Pending) -> None:
        """Note on disk that a refresh is about to be sent."""
        with self.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO pending_refresh VALUES (?, ?, ?)",
                (pending.grant_id, pending.generation, pending.started_at.isoformat()),
            )

    def clear_pending(self, grant_id: str) -> None:
        """Note that the outcome of a refresh is known."""
        with self.writing() as connection:
            connection.execute("DELETE FROM pending_refresh WHERE grant_id = ?", (grant_id,))

    def pending(self) -> tuple[Pending, ...]:
        """Return every refresh that was started and whose outcome was not stored."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT grant_id, generation, started_at FROM pending_refresh"
            ).fetchall()
        return tuple(Pending(grant_id, generation, from_text(at)) for grant_id, generation, at in rows)

    # Events and facts

    def add_event(self, kind: str, grant_id: str, detail: str = "", *, resource: str = "") -> None:
        """Append to the history; the oldest events beyond `KEPT_EVENTS` go."""
        moment = datetime.now(UTC).isoformat()
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO events (at, kind, grant_id, detail, resource) VALUES (?, ?, ?, ?, ?)",
                # Safe when written as well as when read: other programs read the file, too.
                (moment, kind, grant_id, safe_line(detail), safe_line(resource)),
            )
            connection.execute(
                "DELETE FROM events WHERE event_id <= (SELECT max(event_id) FROM events) - ?", (KEPT_EVENTS,)
            )

    def events(self, grant_id: str | None = None, limit: int = 200) -> tuple[Event, ...]:
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT event_id, at, kind, grant_id, detail, resource FROM events"
                " WHERE ?1 IS NULL OR grant_id = ?1 ORDER BY event_id DESC LIMIT ?2",
                (grant_id, limit),
            ).fetchall()
        return tuple(_event(*row) for row in rows)

    def fact(self, name: str) -> str | None:
        """Return a fact about the index as a whole, or None."""
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def facts(self, prefix: str) -> dict[str, str]:
        """Return the facts whose names begin with `prefix`, by what follows it."""
        with self.reading() as connection:
            rows = connection.execute("SELECT name, value FROM facts").fetchall()
        return {name.removeprefix(prefix): value for name, value in rows if name.startswith(prefix)}

    def set_fact(self, name: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
