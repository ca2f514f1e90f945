"""Delete secrets that nothing points to any more, from every store that can be reached."""

from __future__ import annotations

from contextlib import suppress

from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.generations import Generations
from authlens_core.credentials.vault.open_store import store_at
from authlens_core.values.errors import AuthlensError
from authlens_core.values.store_kind import StoreKind


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
            with suppress(AuthlensError):
                there = Generations(credentials.index, store, credentials.locks, credentials.unfinished)
                await there.sweep()
        finally:
            if elsewhere:
                await store.aclose()
    return credentials.index.places_left()
