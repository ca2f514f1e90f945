"""Moving secrets from one store to another, record by record, and deleting what nothing points to any more.

Each record is written to the target, read back, and its pointer switched in one transaction; then its old
secrets are deleted. Run again after a crash, it goes on where it stopped. Another writer wins:
a pointer is switched only where it still is what was read.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct

from authlens_core.credentials.records.index import AccessKind
from authlens_core.credentials.records.table import (
    CLIENTS,
    LOGINS,
    SERVICE_TOKENS,
    TABLES,
    ConcurrentUpdate,
    DamagedRecord,
    Pointer,
    Table,
    damaged_records,
)
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import Generations
from authlens_core.credentials.vault.interrupted import mark_if_interrupted, recover
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.values.errors import AuthlensError, StateUnusable
from authlens_core.values.fix import step
from authlens_core.values.store_kind import StoreKind

# Called with how many records are done, and how many there are.
OnProgress = Callable[[int, int], None]


class MoveReport(Struct, frozen=True):
    """What a move did.

    Attributes:
        damaged: the records that cannot be read; the secrets of those that are not in `failed` came along.
        left: the stores that could not be reached and still hold old copies.
    """

    logins: tuple[str, ...] = ()
    service_tokens: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    damaged: tuple[DamagedRecord, ...] = ()
    failed: tuple[tuple[str, AuthlensError], ...] = ()
    left: tuple[StoreKind, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the old place is not needed any more: what is readable nowhere is no reason to stay."""
        return all(isinstance(error, sealed.SecretsDamaged) for _, error in self.failed)

    def __add__(self, other: MoveReport) -> MoveReport:
        """Return what two moves to the same place did."""
        return MoveReport(
            self.logins + other.logins,
            self.service_tokens + other.service_tokens,
            self.clients + other.clients,
            tuple(dict.fromkeys(self.damaged + other.damaged)),
            self.failed + other.failed,
            other.left,
        )


async def move(
    source: Credentials, target: Credentials, on_progress: OnProgress = lambda _done, _whole: None
) -> MoveReport:
    """Move every login, client and service token that is in the store of `source` to that of `target`.

    One that fails stays where it was and does not stop the others.

    Args:
        target: credentials on the new store, on the same index or on another.
    """
    await recover(source)
    moved: dict[Table[Any] | None, list[str]] = {table: [] for table in (*TABLES, None)}
    failed: list[tuple[str, AuthlensError]] = []
    names = _names(source)
    # Read to the end first: each move changes the tables that this comes from.
    everything = [
        (table, pointer.key)
        for table in TABLES
        for pointer in table.pointers(source.index)
        if pointer.place is source.store.place
    ]
    for done, (table, key) in enumerate(everything):
        on_progress(done, len(everything))
        shown = names[table].get(key, f"The unreadable record {key}")
        try:
            if await source.written(_move_record(source, target, table, key)):
                moved[table if key in names[table] else None].append(shown)
        except AuthlensError as error:
            failed.append((shown, error))
    on_progress(len(everything), len(everything))
    await target.generations.sweep()
    await source.generations.sweep()
    logins, service_tokens, clients = (tuple(moved[table]) for table in TABLES)
    return MoveReport(logins, service_tokens, clients, damaged_records(source.index), tuple(failed))


def _names(source: Credentials) -> dict[Table[Any], dict[str, str]]:
    """Return what each record that can be read is called, by its key."""
    return {
        LOGINS: {grant.grant_id: grant.resource_url for grant in source.list()},
        SERVICE_TOKENS: {token.token_id: token.url for token in source.service_tokens.list()},
        CLIENTS: {key: client.client_id for key, client in CLIENTS.all(source.index)[0].items()},
    }


async def _move_record(source: Credentials, target: Credentials, table: Table[Any], key: str) -> bool:
    """Move one record; a login under the lock of its refresh: none is under way, and none starts."""
    grant = LOGINS.readable(source.index, key) if table is LOGINS else None
    if grant is None:
        return await _move_row(source, target, table, key)
    async with source.lock(grant, "moving"):
        mark_if_interrupted(source, source.get(key))
        # Where only this process holds the newest tokens, the store has older ones, which must not be moved.
        if key not in source.held:
            return await _move_row(source, target, table, key)
        await target.save(*source.held[key])
        del source.held[key]
        if not source.index.is_same(target.index):
            await source.generations.remove(partial(LOGINS.remove, source.index, key))
        return await _moved(source, target, table, key)


async def _move_row(source: Credentials, target: Credentials, table: Table[Any], key: str) -> bool:
    """Move the secrets of one record; again if another program replaced them: its are newer.

    Returns:
        False if it is gone from the store by now: another program removed it, or moved it.
    """
    while (pointer := _pointer(source, table, key)) is not None:
        try:
            await _move_secrets(source, target, table, pointer)
        except (ConcurrentUpdate, sealed.SecretsDamaged):
            # No one else changed it, so reading it again would give the same.
            if _pointer(source, table, key) == pointer:
                raise
            continue  # generations only grow, so this ends
        return await _moved(source, target, table, key)
    return False


def _pointer(source: Credentials, table: Table[Any], key: str) -> Pointer | None:
    pointers = table.pointers(source.index, key)
    return pointers[0] if pointers and pointers[0].place is source.store.place else None


async def _move_secrets(
    source: Credentials, target: Credentials, table: Table[Any], pointer: Pointer
) -> None:
    """Let a record point to its secrets in the new store, or copy it to another index and remove it here.

    Raises:
        ConcurrentUpdate: the record does not point any more to what was read.
    """
    key, over = pointer.key, pointer.generation
    text = await sealed.read(source.store, key, over)
    if source.index.is_same(target.index):

        def switch(generation: int, entries: int) -> None:
            table.repoint(target.index, key, over, (generation, entries, target.store.place))

        await target.generations.replace(key, text, switch)
        return
    record = table.readable(source.index, key)
    if record is None:
        raise StateUnusable("Its record cannot be read.", step("Remove it with its id", "authlens forget ID"))
    await target.generations.save(table, key, record, text)
    await source.generations.remove(partial(table.remove, source.index, key, over=over))


async def _moved(source: Credentials, target: Credentials, table: Table[Any], key: str) -> bool:
    if table is not CLIENTS:  # the history is of credentials
        target.record(AccessKind.MOVED, key, f"from {source.store.name} to {target.store.name}")
    await source.generations.sweep()
    return True


async def erase_left(credentials: Credentials) -> tuple[StoreKind, ...]:
    """Delete what nothing points to any more, from the stores that are not open, too.

    That needs no passphrase, and a store that cannot be reached is passed over.

    Returns:
        The places where something stays, because they cannot be reached.
    """
    for kind in credentials.index.places_left():
        elsewhere = kind is not credentials.store.place
        store = store_at(kind) if elsewhere else credentials.store
        try:
            # A store that does not open now is tried another time: what is left there stays noted.
            with suppress(AuthlensError):
                there = Generations(credentials.index, store, credentials.locks, credentials.unfinished)
                await there.sweep()
        finally:
            if elsewhere:
                await store.aclose()
    return credentials.index.places_left()
