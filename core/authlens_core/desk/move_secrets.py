"""Bring all secrets together in one store, whichever stores they are in, and use it from now on."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from authlens_core.credentials.records.table import TABLES
from authlens_core.credentials.store.secret_store import SecretStore
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.leftovers import erase_left
from authlens_core.credentials.vault.move import MoveReport, OnProgress, move
from authlens_core.credentials.vault.open_store import store_at

Unlock = Callable[[], Awaitable[SecretStore]]


def records_by_store(credentials: Credentials) -> Counter[StoreKind]:
    """Return how many records, unreadable ones included, have their secrets in each store."""
    return Counter(pointer.place for table in TABLES for pointer in table.pointers(credentials.index))


async def move_secrets(
    target: Credentials,
    unlock: Unlock,
    *,
    in_use: Credentials | None = None,
    on_progress: OnProgress = lambda _done, _whole: None,
) -> MoveReport:
    """Move everything that is elsewhere to the store of `target`, and remember it as the secret store.

    Args:
        unlock: opens the encrypted file; called before anything is moved, and only if secrets come from it.
        in_use: the open credentials of a running app. If they are in memory, they move, too.
        on_progress: called with the records done and their number, for each store again.

    Raises:
        AuthlensError: a store cannot be opened; what was moved until then is moved.
    """
    report = MoveReport()
    async with AsyncExitStack() as stack:
        open_stores = {opened.store.place: opened for opened in (in_use, target) if opened is not None}
        sources = set(records_by_store(target)) - {target.store.place, StoreKind.MEMORY}
        if StoreKind.ENCRYPTED_FILE in sources - set(open_stores):
            unlocked = await Credentials.on(await unlock())
            open_stores[StoreKind.ENCRYPTED_FILE] = await stack.enter_async_context(aclosing(unlocked))
        if in_use is not None and not in_use.store.persistent:
            report += await move(in_use, target, on_progress)
        for place in sorted(sources):
            async with _source(open_stores, place) as source:
                report += await move(source, target, on_progress)
    if report.is_complete:
        target.remember_place()
    await erase_left(target)
    return report


@asynccontextmanager
async def _source(open_stores: dict[StoreKind, Credentials], place: StoreKind) -> AsyncIterator[Credentials]:
    """Yield credentials on a place: those that are open, which stay open, or new ones."""
    if place in open_stores:
        yield open_stores[place]
        return
    async with aclosing(Credentials.open(store_at(place))) as source:
        yield source
