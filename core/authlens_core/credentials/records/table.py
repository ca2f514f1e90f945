"""The tables of records that have secrets: key, pointer to the valid generation, and record as JSON.

A record need not be read for its pointer, so the secrets of one that is damaged can be moved and deleted like
any. Every call is a transaction, or a part of the one that the caller is in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import Struct

from authlens_core.credentials.records.client import ClientRecord
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.record_json import record_from_json, to_json
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.values.errors import TimedOut
from authlens_core.values.safe_text import NAME, safe_line
from authlens_core.values.store_kind import CredentialKind, StoreKind

if TYPE_CHECKING:
    from authlens_core.credentials.records.index import Index

_Record = TypeVar("_Record", Grant, ClientRecord, ServiceToken)


class ConcurrentUpdate(TimedOut):
    """Someone replaced or removed the secrets between the moment they were read and this one."""

    def __init__(self) -> None:
        super().__init__("Another authlens changed it at the same moment.", "Try again.")


class Pointer(Struct, frozen=True):
    """A generation of secrets, the number of its entries in a store, and which store that is."""

    key: str
    generation: int
    entries: int
    place: StoreKind


def pointers_of(rows: Iterable[Any]) -> Iterator[Pointer]:
    """Yield what rows of these columns point to."""
    for key, generation, entries, place in rows:
        # A newer authlens may have stored something in a place that is unknown here; it is left alone.
        with suppress(ValueError):
            yield Pointer(key, generation, entries, StoreKind(place))


class Table(Struct, Generic[_Record], frozen=True):
    """One table; both names are constants of this module, so that they can be in SQL.

    Raises:
        StateUnusable: by every method, when the index cannot be used.
    """

    name: str
    key: str
    kind: type[_Record]

    def get(self, index: Index, key: str) -> _Record | None:
        """Return one record, or None if there is none.

        Raises:
            ValueError: it is damaged.
        """
        rows = self._select(index, "record, generation, place", f"WHERE {self.key} = ?", key)
        return record_from_json(self.kind, *rows[0]) if rows else None

    def readable(self, index: Index, key: str) -> _Record | None:
        """Return one record, or None if there is none or it is damaged."""
        with suppress(ValueError):
            return self.get(index, key)
        return None

    def all(self, index: Index) -> tuple[dict[str, _Record], tuple[str, ...]]:
        """Return the records that can be read, by their keys, and the keys of the others, safe to show."""
        records: dict[str, _Record] = {}
        damaged: list[str] = []
        for key, *row in self._select(index, f"{self.key}, record, generation, place"):
            try:
                records[key] = record_from_json(self.kind, *row)
            except ValueError:
                damaged.append(safe_line(key, NAME))
        return records, tuple(damaged)

    def put(self, index: Index, key: str, record: _Record, entries: int) -> None:
        """Make `record.generation` the valid one, with these facts; the generation before is left over.

        A pending refresh is over with this: its answer is stored.
        """
        with index.writing() as connection:
            self._leave(connection, key)
            query = f"""
                INSERT OR REPLACE INTO {self.name} ({self.key}, generation, entries, place, record)
                VALUES (?, ?, ?, ?, ?)
            """  # noqa: S608
            connection.execute(query, (key, record.generation, entries, record.place, to_json(record)))
            settle(connection, key, record.generation)
            index.clear_pending(key)

    def change(self, index: Index, key: str, change: Callable[[_Record], _Record]) -> _Record | None:
        """Write what `change` makes of a record, and return it; None if there is none that can be read."""
        with index.writing() as connection:
            record = self.readable(index, key)
            if record is None:
                return None
            changed = change(record)
            query = f"UPDATE {self.name} SET record = ? WHERE {self.key} = ?"  # noqa: S608
            connection.execute(query, (to_json(changed), key))
            return changed

    def remove(self, index: Index, key: str, *, over: int | None = None) -> None:
        """Remove a record; its secrets are left over until they are deleted.

        Args:
            over: the generation that it has to be at, where its secrets were copied elsewhere.

        Raises:
            ConcurrentUpdate: it is at another one: what was copied is out of date.
        """
        with index.writing() as connection:
            if over is not None:
                self._require(connection, key, over)
            self._leave(connection, key)
            connection.execute(f"DELETE FROM {self.name} WHERE {self.key} = ?", (key,))  # noqa: S608
            index.clear_pending(key)

    def pointers(self, index: Index, key: str | None = None) -> tuple[Pointer, ...]:
        """Return the pointer of every record that has secrets, or of the one named `key`."""
        which = f"WHERE entries > 0 AND (?1 IS NULL OR {self.key} = ?1)"
        return tuple(pointers_of(self._select(index, f"{self.key}, generation, entries, place", which, key)))

    def repoint(self, index: Index, key: str, over: int, to: tuple[int, int, StoreKind]) -> None:
        """Let a record point to other secrets; its facts stay, and the generation before is left over.

        Args:
            over: the generation that it has to be at.
            to: the generation, the number of its entries, and where they are.

        Raises:
            ConcurrentUpdate: it is at another generation, or gone.
        """
        with index.writing() as connection:
            self._require(connection, key, over)
            self._leave(connection, key)
            query = f"UPDATE {self.name} SET generation = ?, entries = ?, place = ? WHERE {self.key} = ?"  # noqa: S608
            connection.execute(query, (*to, key))
            settle(connection, key, to[0])

    def _select(self, index: Index, columns: str, which: str = "", *values: str | None) -> list[Any]:
        with index.reading() as connection:
            # An index that can only be read may be of another version, without this table.
            exists = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
            if index.read_only and not connection.execute(exists, (self.name,)).fetchone()[0]:
                return []
            query = f"SELECT {columns} FROM {self.name} {which}"  # noqa: S608
            return connection.execute(query, values).fetchall()

    def _leave(self, connection: sqlite3.Connection, key: str) -> None:
        """Note the generation that a record points to as left over."""
        query = f"""
            INSERT OR IGNORE INTO leftovers (key, generation, entries, place)
            SELECT {self.key}, generation, entries, place FROM {self.name}
            WHERE {self.key} = ? AND entries > 0
        """  # noqa: S608
        connection.execute(query, (key,))

    def _require(self, connection: sqlite3.Connection, key: str, over: int) -> None:
        query = f"SELECT generation FROM {self.name} WHERE {self.key} = ?"  # noqa: S608
        if connection.execute(query, (key,)).fetchone() != (over,):
            # What lost the race has read secrets that are gone; going on would point to them.
            raise ConcurrentUpdate


LOGINS: Final = Table("grants", "grant_id", Grant)
SERVICE_TOKENS: Final = Table("service_tokens", "token_id", ServiceToken)
CLIENTS: Final = Table("clients", "client_key", ClientRecord)
TABLES: Final[tuple[Table[Any], ...]] = (LOGINS, SERVICE_TOKENS, CLIENTS)


def all_service_tokens(index: Index) -> tuple[tuple[ServiceToken, ...], tuple[str, ...]]:
    """Return every service token that can be read, newest first, and the ids of those that cannot."""
    tokens, damaged = SERVICE_TOKENS.all(index)
    return tuple(sorted(tokens.values(), key=lambda token: token.added_at, reverse=True)), damaged


class DamagedRecord(Struct, frozen=True):
    """A record whose text is not what any authlens wrote, or one that this version is too old to read.

    Attributes:
        record_id: its id, safe to show.
    """

    record_id: str
    kind: CredentialKind

    @property
    def words(self) -> str:
        return f"a {'login' if self.kind is CredentialKind.OAUTH else self.kind.label} ({self.record_id})"

    @property
    def cure(self) -> str:
        """The command that removes it."""
        return f"authlens forget {self.record_id}"


def damaged_records(index: Index) -> tuple[DamagedRecord, ...]:
    """Return every record of a login or a service token that cannot be read.

    Raises:
        StateUnusable: the index cannot be used.
    """
    return (
        *(DamagedRecord(record_id, CredentialKind.OAUTH) for record_id in index.grants()[1]),
        *(
            DamagedRecord(record_id, CredentialKind.SERVICE_TOKEN)
            for record_id in SERVICE_TOKENS.all(index)[1]
        ),
    )


def settle(connection: sqlite3.Connection, key: str, generation: int) -> None:
    """Take a generation off the leftovers."""
    connection.execute("DELETE FROM leftovers WHERE key = ? AND generation = ?", (key, generation))
