"""Bringing everything together in one store, from whichever stores it is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from authlens_core.credentials.records.table import TABLES
from authlens_core.credentials.store.store_kind import StoreKind
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import Generations
from authlens_core.credentials.vault.move import MoveReport, OnProgress, move
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.errors import AuthlensError

OpenAt = Callable[[StoreKind], AbstractAsyncContextManager[Credentials]]


def kept(credentials: Credentials) -> Counter[StoreKind]:
    """Return how many records have their secrets in which place, those that cannot be read among them."""
    return Counter(pointer.place for table in TABLES for pointer in table.pointers(credentials.index))


async def consolidate(
    target: Credentials,
    open_at: OpenAt,
    *,
    memory: Credentials | None = None,
    on_progress: OnProgress = lambda _done, _whole: None,
) -> MoveReport:
    """Move everything that is elsewhere to the store of `target`, and remember it as the secret store.

    Args:
        open_at: lends credentials on another place, which are on the same index.
        memory: a session that is stored nowhere, whose credentials come along.
        on_progress: called with how far it is, for each store again.

    Raises:
        AuthlensError: a store cannot be opened; what was moved until then is moved.
    """
    report = MoveReport()
    if memory is not None:
        report += await move(memory, target, on_progress)
    for place in sorted(set(kept(target)) - {target.store.place, StoreKind.MEMORY}):
        async with open_at(place) as source:
            report += await move(source, target, on_progress)
    if report.is_complete:
        target.remember_place()
    await erase_left(target)
    return report


async def erase_left(credentials: Credentials) -> tuple[StoreKind, ...]:
    """Delete what nothing points to any more, from the stores that are not open, too.

    That needs no passphrase, and a store that cannot be reached is passed over.

    Returns:
        The places where something stays, because they cannot be reached.
    """
    for place in credentials.index.places_left():
        elsewhere = place is not credentials.store.place
        store = store_at(place) if elsewhere else credentials.store
        try:
            with suppress(AuthlensError):
                there = Generations(credentials.index, store, credentials.locks, credentials.unfinished)
                await there.sweep()
        finally:
            if elsewhere:
                await store.aclose()
    return credentials.index.places_left()


async def delete_orphans(credentials: Credentials) -> None:
    """Delete what a program that died, or one on another store, left in the store that is open now."""
    with suppress(AuthlensError):  # it stays noted, and the next save tries again
        if credentials.store.place in credentials.index.places_left():
            await credentials.generations.sweep()


def left_words(places: tuple[StoreKind, ...], open_now: StoreKind) -> str:
    """Say where secrets still are that are not wanted any more, and when they go; nothing if none are."""
    sentences = []
    for place in places:
        name = place.words[:1].upper() + place.words[1:]
        if place is open_now:
            sentences.append(f"{name} could not be reached: the next save deletes what is left there.")
        else:
            sentences.append(
                f"The remaining secrets are in {place.words}, which cannot be reached, not in "
                f"{open_now.words}, which is in use. authlens deletes them when {place.words} can be "
                "opened again."
            )
    return " ".join(sentences)
