"""The pointers of the index, whatever record they belong to: which generation of secrets is valid, and where.

A record need not be read for this, so the secrets of one that is damaged can be moved and deleted like any.
"""

from __future__ import annotations

import sqlite3

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import Table, settle
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.errors import TimedOut
from authlens_core.quick_dataclass import dataclass


class ConcurrentUpdate(TimedOut):
    """Someone replaced or removed the secrets between the moment they were read and this one."""

    def __init__(self) -> None:
        super().__init__("Another authlens changed it at the same moment.", "Try again.")


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the secrets of one record are."""

    key: str
    generation: int
    place: StoreKind


def pointers(index: Index, table: Table, key: str | None = None) -> tuple[Pointer, ...]:
    """Return the pointer of every record of a table that has secrets, or of the one named `key`."""
    query = f"""
        SELECT {table.key}, generation, place FROM {table.name}
        WHERE entries > 0 AND (?1 IS NULL OR {table.key} = ?1)
    """  # noqa: S608 - the names are constants of this module
    with index.reading() as connection:
        if index.read_only and not table.exists(connection):
            return ()
        rows = connection.execute(query, (key,)).fetchall()
    known = {str(place) for place in StoreKind}
    return tuple(Pointer(found, generation, StoreKind(at)) for found, generation, at in rows if at in known)


def places_left(index: Index) -> tuple[StoreKind, ...]:
    """Return the places that still hold secrets which nothing points to any more."""
    return tuple(sorted({leftover.place for leftover in index.leftovers()}))


def repoint(index: Index, table: Table, key: str, over: int, to: tuple[int, int, StoreKind]) -> None:
    """Let a record point to other secrets; its facts stay, and the generation before is left over.

    Args:
        over: the generation that it has to be at.
        to: the generation, the number of its entries, and where they are.

    Raises:
        ConcurrentUpdate: it is at another generation, or gone.
    """
    with index.writing() as connection:
        _require(connection, table, key, over)
        table.leave(connection, key)
        query = f"UPDATE {table.name} SET generation = ?, entries = ?, place = ? WHERE {table.key} = ?"  # noqa: S608
        connection.execute(query, (*to, key))
        settle(connection, key, to[0])


def drop(index: Index, table: Table, key: str, over: int) -> None:
    """Remove a record whose secrets were copied elsewhere; those here are left over until they are deleted.

    Raises:
        ConcurrentUpdate: it is at another generation than `over`: what was copied is out of date.
    """
    with index.writing() as connection:
        _require(connection, table, key, over)
        table.remove(connection, key)


def _require(connection: sqlite3.Connection, table: Table, key: str, over: int) -> None:
    query = f"SELECT generation FROM {table.name} WHERE {table.key} = ?"  # noqa: S608
    if connection.execute(query, (key,)).fetchone() != (over,):
        raise ConcurrentUpdate
