"""Secrets replaced whole or not at all: write the new, read it back, switch, delete the old.

No keyring replaces a value atomically (macOS deletes and adds, Windows moves), so a value is never replaced:
each save is a new generation under new names, and the index says which one is valid. Wherever a crash falls,
the old generation or the new one can be read, and what it left in the keyring is noted in the index.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.client import ClientRecord
from authlens_core.credentials.records.grant import Grant
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.record_json import belongs_to
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.records.table import Pointer, Table
from authlens_core.credentials.store import chunked_secret as sealed
from authlens_core.credentials.store.secret_store import (
    SecretStore,
    SecretStoreFailed,
    StoreElsewhere,
    ask_twice,
)
from authlens_core.state.locks import Locks
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.finish import finish
from authlens_core.values.fix import Fix, step
from authlens_core.values.secret import Secret

_Record = TypeVar("_Record", Grant, ServiceToken, ClientRecord)
_Result = TypeVar("_Result")

# Seconds to wait for another process that is writing: at most a few calls of the keyring.
WRITE_BOUND: Final = 30.0


class SaveStep(StrEnum):
    """The points of a save at which a test lets the program die."""

    BEGUN = "begun"
    ENTRY_WRITTEN = "entry written"
    ALL_WRITTEN = "all written"
    READ_BACK = "read back"
    SWITCHED = "switched"
    OLD_DELETED = "old deleted"


async def load_secrets(
    store: SecretStore, key: str, current: Callable[[], _Record], cure: str | Fix
) -> tuple[_Record, Secret]:
    """Return a record and the text of its secrets, both of one generation.

    Args:
        current: reads the record, again if it was replaced meanwhile.

    Raises:
        SecretsDamaged: they are gone, damaged, or stored for another record than the one in the index.
        StoreElsewhere: they are in another store.
    """
    record = current()
    while True:
        # Asked elsewhere, a missing entry would look like damaged secrets.
        if record.place is not store.place:
            raise StoreElsewhere(record.place, store.name)
        try:
            text = await ask_twice(partial(sealed.read, store, key, record.generation))
        except sealed.SecretsDamaged:
            present = current()
            if present.generation == record.generation:
                raise
            record = present  # generations only grow, so this ends
            continue
        # The index is a plain file: another program that can write it must not be able to send a token to a
        # host of its own.
        if not belongs_to(text, record):
            raise sealed.SecretsDamaged(
                "The record does not match the stored secrets: its issuer, an endpoint, the client, the type "
                "of the token or the source of the assertion. It was changed outside authlens, or an earlier "
                "version stored it with --assertion-command. Nothing was sent.",
                cure,
            )
        return record, text


class Generations(Struct, eq=False):
    """Writes, reads and deletes generations of secrets, to the end even if the caller is cancelled.

    Attributes:
        index: holds the pointers and the notes on what is unfinished.
        locks: one writer at a time; only under this lock is it known that what is noted is not in use.
        pending: what closing the store waits for.
    """

    index: Index
    store: SecretStore
    locks: Locks
    pending: PendingWrites
    on_step: Callable[[SaveStep], None] = lambda _step: None

    async def save(
        self,
        table: Table[_Record],
        key: str,
        record: _Record,
        text: Secret | None,
        noted: Callable[[], None] = lambda: None,
    ) -> _Record:
        """Store a record with its secrets, and return it with their place and their generation.

        Args:
            text: as for `replace`; None for a record without secrets: those of the one before are deleted.
            noted: called in the transaction that makes it the valid one.

        Raises:
            as `replace`.
        """
        placed = replace(record, place=self.store.place)

        def switch(generation: int, entries: int) -> None:
            with self.index.writing():
                table.put(self.index, key, replace(placed, generation=generation), entries)
                noted()

        if text is None:
            await self.remove(lambda: switch(placed.generation, 0))
            return placed
        return replace(placed, generation=await self.replace(key, text, switch))

    async def replace(self, key: str, text: Secret, switch: Callable[[int, int], None]) -> int:
        """Store `text` as a new generation of `key` and return its number.

        Args:
            text: the secrets, serialized, ASCII.
            switch: called once with generation and number of entries when they are safe in the store; it
                moves the pointer and stores the facts in one transaction.

        Raises:
            NoSecretStore: the store or the index failed before the switch: the old generation stays.
            LockBusy: another process was writing all the time.
        """
        return await self.pending.written(self._replace(key, text, switch))

    async def _replace(self, key: str, text: Secret, switch: Callable[[int, int], None]) -> int:
        entries = len(sealed.split(text, key, 0))
        async with self.locks.hold("store", purpose="saving", bound=WRITE_BOUND):
            # Noted before the first entry is written, so that a crash from here on leaves nothing that no one
            # deletes.
            generation = self.index.begin(key, entries, self.store.place)
            self.on_step(SaveStep.BEGUN)
            await self._write(key, generation, sealed.split(text, key, generation))
            self.on_step(SaveStep.ALL_WRITTEN)
            # Some keyrings take a value and cut it without an error; the old tokens are still there to be
            # kept.
            back = await self._read_back(key, generation)
            # In constant time, like every comparison of secrets here, although nothing remote can time this
            # one.
            if not hmac.compare_digest(back.reveal(), text.reveal()):
                raise SecretStoreFailed(
                    f"{self.store.name} returned a different value than was stored.",
                    step("Run", "authlens doctor"),
                )
            self.on_step(SaveStep.READ_BACK)
            switch(generation, entries)
            self.on_step(SaveStep.SWITCHED)
            await self._sweep()
            self.on_step(SaveStep.OLD_DELETED)
        return generation

    async def _write(self, key: str, generation: int, entries: tuple[Secret, ...]) -> None:
        # The first entry last: it holds the manifest, without which the rest is nothing.
        for index in reversed(range(len(entries))):
            await self.store.set(sealed.entry_name(key, generation, index), entries[index])
            self.on_step(SaveStep.ENTRY_WRITTEN)

    async def _read_back(self, key: str, generation: int) -> Secret:
        try:
            return await sealed.read(self.store, key, generation)
        except sealed.SecretsDamaged as error:
            raise SecretStoreFailed(
                f"{self.store.name} lost a value that was stored in it.", step("Run", "authlens doctor")
            ) from error

    async def remove(self, remove: Callable[[], None]) -> bool:
        """Move pointers away with `remove` and delete what they pointed to; False if deleting failed.

        What could not be deleted stays noted, and is deleted by the next save or removal.

        Raises:
            LockBusy: another process was writing all the time.
        """
        return await self.pending.written(self._remove(remove))

    async def sweep(self) -> bool:
        """Delete from this store what nothing points to; False if something stays.

        Raises:
            LockBusy: another process was writing all the time.
        """
        return await self.remove(lambda: None)

    async def _remove(self, remove: Callable[[], None]) -> bool:
        async with self.locks.hold("store", purpose="removing", bound=WRITE_BOUND):
            remove()
            return await self._sweep()

    async def _sweep(self) -> bool:
        """Delete every generation that nothing points to; called under the lock. False if one stays.

        What lies in another store waits until that one is open.
        """
        try:
            for leftover in self.index.leftovers():
                if leftover.place is self.store.place:
                    await self._delete(leftover)
        except NoSecretStore:
            # The index still lists what is left, so the next save or start tries again.
            return False
        return not self.index.leftovers()

    async def _delete(self, leftover: Pointer) -> None:
        for index in range(leftover.entries):  # the manifest first
            await self.store.delete(sealed.entry_name(leftover.key, leftover.generation, index))
        # Only now: an entry that is forgotten before it is deleted would stay in the keyring for ever.
        self.index.settled(leftover)


# -- to the end ---------------------------------------------------------------------------------------------


class PendingWrites:
    """Work that goes on to its end although its caller has gone; closing the store waits for it."""

    def __init__(self) -> None:
        self.writes: set[asyncio.Task[Any]] = set()
        self._left: set[asyncio.Task[Any]] = set()

    def __bool__(self) -> bool:
        return bool(self.writes or self._left)

    async def written(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Await a write to its end even when the caller is cancelled, which is passed on afterwards."""
        task = asyncio.create_task(work)
        self.writes.add(task)
        task.add_done_callback(self.writes.discard)
        return await finish(task)

    async def run_shielded(self, work: Coroutine[Any, Any, _Result], started: Callable[[], bool]) -> _Result:
        """Await work that the caller may abandon, but that must not stop halfway.

        When the caller is cancelled, so is the work, unless `started` says that it did what cannot be undone:
        then the caller returns at once, and the work goes on.
        """
        task = asyncio.create_task(work)
        # asyncio holds tasks by weak references: without the set, one that no one awaits can be collected
        # halfway.
        self._left.add(task)
        task.add_done_callback(self._left.discard)
        task.add_done_callback(_retrieve_exception)
        try:
            # What may have reached the server goes on; what has not can still be dropped without a loss.
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not started():
                task.cancel()
                await asyncio.wait({task})
            raise

    async def settle(self) -> None:
        if tasks := self.writes | self._left:
            await asyncio.wait(tasks)

    async def give_up(self, seconds: float) -> None:
        """Cancel what has been left to itself, which then notes how far it came, within some `seconds`."""
        # Writes are not cancelled: half a generation is worse than a late one.
        late = set(self._left)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=seconds)


def _retrieve_exception(task: asyncio.Task[Any]) -> None:
    """Take note of how a task ended that no one awaits any more: the grant says it, not the log."""
    if not task.cancelled():
        task.exception()
