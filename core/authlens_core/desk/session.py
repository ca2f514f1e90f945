"""One run of the program: the sender and the stored credentials that everything in it shares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

from authlens_core.credentials.vault.credentials import EXIT_BOUND, Credentials
from authlens_core.credentials.vault.open_store import OpenedStore, remembered_place, store_at
from authlens_core.values.errors import AuthlensError

if TYPE_CHECKING:
    from authlens_core.credentials.records.index import Index
    from authlens_core.values.exchange import Exchange
    from authlens_core.wire.client import Wire


class Session:
    """The sender and the credentials of one run of the program; close it with `aclose()`.

    Args:
        wire: the sender; None makes one when the first request needs it.
        note: called with each exchange, if the sender is made here.
    """

    def __init__(
        self,
        wire: Wire | None,
        credentials: Credentials,
        *,
        note: Callable[[Exchange], None] = lambda _exchange: None,
    ) -> None:
        self._wire = wire
        self._note = note
        self._warming: asyncio.Future[None] | None = None
        self.credentials = credentials

    @classmethod
    def in_memory(cls, wire: Wire) -> Self:
        """Return a session whose credentials are gone when it ends, and that writes no file."""
        return cls(wire, Credentials.memory())

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            from authlens_core.wire.client import Wire  # the first screen, and most verbs, send nothing

            self._wire = Wire(note=self._note)
        return self._wire

    def warm_up(self) -> None:
        """Prepare the first request in the background: the TLS trust takes long to load."""
        # Held, because the loop alone does not keep a task from being collected.
        self._warming = asyncio.ensure_future(self.wire.warm_up())

    async def on(self, opened: OpenedStore) -> Session:
        """Return a session with the same sender on another store, to move secrets there."""
        return Session(self.wire, await Credentials.on(opened.store))

    async def delete_orphans(self) -> None:
        """Delete what a program that died, or one on another store, left in the store that is open now."""
        with suppress(AuthlensError):  # it stays noted, and the next save tries again
            if self.credentials.store.place in self.credentials.index.places_left():
                await self.credentials.generations.sweep()

    @property
    def closing_takes(self) -> float:
        """Seconds that `aclose` may wait for a response that may have the only copy of a token; 0 if none."""
        return EXIT_BOUND if self.credentials.unfinished else 0.0

    async def aclose(self) -> None:
        """Let what must not be lost end, let go of the store and close the connections."""
        try:
            await self.credentials.aclose()
        finally:
            if self._wire is not None:
                await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@asynccontextmanager
async def open_session(
    open_store: Callable[[], Awaitable[OpenedStore]] | None = None,
    *,
    sends: bool = False,
    loads: Callable[[], object] = lambda: None,
    on_wait: Callable[[float], None] = lambda _seconds: None,
) -> AsyncIterator[Session]:
    """Yield a session on a secret store, and close it.

    Args:
        open_store: opens the store; None takes the one that the user chose, or the keyring. The keyring's
            helper process then starts only when a secret is asked for.
        sends: true to prepare the sender while the store is opened.
        loads: imports what else the caller needs meanwhile.
        on_wait: called before a wait at the end, with the seconds that it may last.

    Raises:
        NoSecretStore: there is no usable keyring, or the state directory cannot be used.
    """
    # Both take long, and neither needs the other.
    preparing = asyncio.ensure_future(_prepared_wire(loads)) if sends else None
    store = store_at(remembered_place()) if open_store is None else (await open_store()).store
    credentials = await Credentials.on(store)
    try:
        wire = None if preparing is None else await preparing
    except BaseException:  # a Ctrl-C, too: the helper process of the store would stay behind
        await credentials.aclose()
        raise
    async with Session(wire, credentials) as session:
        if wire is not None:
            session.warm_up()
        try:
            yield session
        finally:
            if session.closing_takes:
                on_wait(session.closing_takes)


async def _prepared_wire(loads: Callable[[], object]) -> Wire:
    # In threads: an import of some hundred milliseconds would keep the loop from the answer of the keyring.
    wire = (await asyncio.to_thread(_wire_class))()
    await asyncio.to_thread(loads)
    return wire


def _wire_class() -> type[Wire]:
    from authlens_core.wire.client import Wire

    return Wire


async def session_on(
    opened: OpenedStore,
    *,
    index: Index | None = None,
    chosen: bool = False,
    note: Callable[[Exchange], None] = lambda _exchange: None,
) -> tuple[Session, tuple[str, ...]]:
    """Return a session on a store that is open, and what the user should know about that store.

    Completes first what an earlier run began to write. The store is closed if its records cannot be used.

    Args:
        index: the records, if they are open already; closing the session closes them.
        chosen: true if the user has just chosen this store: it is opened from now on.
        note: called with each exchange.

    Raises:
        AuthlensError: the records cannot be read.
    """
    credentials = await Credentials.on(opened.store, index=index)
    try:
        await credentials.recover()
        # Read before `note_store` writes it.
        known = credentials.index.fact("store") == opened.store.name
        moved = credentials.note_store()
        if chosen and not credentials.index.read_only:
            credentials.remember_place()
    except BaseException:
        await credentials.aclose()
        raise
    # A store's notes are shown once, when it comes into use.
    notes = (*(() if known else opened.notes), *((moved,) if moved else ()))
    return Session(None, credentials, note=note), notes
