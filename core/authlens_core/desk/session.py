"""One run of the program: its secret store, and the sender and the credentials that all in it share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.credentials.records.grant import Grant, utc_now, working_logins
from authlens_core.credentials.records.index import Index
from authlens_core.credentials.records.table import TABLES
from authlens_core.credentials.store.secret_store import ask_twice
from authlens_core.credentials.vault import open_store as stores
from authlens_core.credentials.vault.credentials import EXIT_BOUND, Credentials
from authlens_core.credentials.vault.open_store import OpenedStore, remembered_place, store_at
from authlens_core.state.account_choice import account_name, chosen_account
from authlens_core.state.paths import state_directory
from authlens_core.values.errors import (
    AuthlensError,
    NoSecretStore,
    PassphraseNeeded,
    StateUnusable,
    WrongPassphrase,
)
from authlens_core.values.exchange import Exchange
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import CredentialKind, StoreKind

if TYPE_CHECKING:
    from authlens_core.credentials.lifecycle.request_credential import RequestCredential
    from authlens_core.credentials.vault.move import MoveReport, OnProgress
    from authlens_core.wire.client import Wire

__all__ = [
    "AuthlensError",
    "Exchange",
    "Grant",
    "Index",
    "MoveReport",
    "NoSecretStore",
    "OnProgress",
    "OpenedStore",
    "PassphraseNeeded",
    "RememberedStore",
    "Secret",
    "Session",
    "StateUnusable",
    "StoreKind",
    "WrongPassphrase",
    "account_name",
    "move_secrets",
    "open_secret_store",
    "open_session",
    "records_by_store",
    "remembered_store",
    "session_on",
]


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

    async def recover(self) -> None:
        """Mark the logins whose refresh was started by a process that is gone; see `interrupted`."""
        from authlens_core.credentials.vault.interrupted import recover  # few verbs do

        await recover(self.credentials)

    def working_login(self, url: str) -> Grant | None:
        """Return the login for `url` whose access token works, if there is one."""
        account = self.credentials.account_of_login(url)
        grants = (grant for grant in self.credentials.list() if grant.account == account)
        return working_logins(grants, utc_now()).get(url)

    def credential_for(
        self, url: str, *, kind: CredentialKind | None = None, min_ttl: timedelta | None = None
    ) -> RequestCredential:
        """Return what gives the header fields for `url` again and again; see `use.request_headers`."""
        from authlens_core.credentials.lifecycle.request_credential import RequestCredential

        return RequestCredential(self.credentials, self.wire, url, kind=kind, min_ttl=min_ttl)

    def warm_up(self) -> None:
        """Prepare the first request in the background: the TLS trust takes long to load."""
        # Held, because the loop alone does not keep a task from being collected.
        self._warming = asyncio.ensure_future(self.wire.warm_up())

    async def on(self, opened: OpenedStore) -> Session:
        """Return a session with the same sender on another store, to move secrets there."""
        return Session(self.wire, await Credentials.on(opened.store))

    async def require_store(self) -> None:
        """Ask the secret store for something, before many credentials fail for the same reason.

        Raises:
            NoSecretStore: it does not answer.
        """
        await ask_twice(lambda: self.credentials.store.get("authlens:any"))

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
    account: str | None = None,
) -> AsyncIterator[Session]:
    """Yield a session on a secret store, and close it.

    Args:
        open_store: opens the store; None takes the one that the user chose, or the keyring. The keyring's
            helper process then starts only when a secret is asked for.
        sends: true to prepare the sender while the store is opened.
        loads: imports what else the caller needs meanwhile.
        on_wait: called before a wait at the end, with the seconds that it may last.
        account: the account that a URL means; None for what the environment or the folder chooses.

    Raises:
        UsageError: what chooses the account cannot be used.
        NoSecretStore: there is no usable keyring, or the state directory cannot be used.
    """
    account = chosen_account() if account is None else account_name(account)
    # Both take long, and neither needs the other.
    preparing = asyncio.ensure_future(_prepared_wire(loads)) if sends else None
    store = store_at(remembered_place()) if open_store is None else (await open_store()).store
    credentials = await Credentials.on(store, account=account)
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
    from authlens_core.credentials.vault.interrupted import recover  # few verbs do

    credentials = await Credentials.on(opened.store, index=index, account=chosen_account())
    try:
        await recover(credentials)
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


class RememberedStore(Struct, frozen=True):
    """The secret store that is opened without a choice.

    Attributes:
        kind: what the user chose for good; the keyring where they chose none.
        file: where it is; None for the keyring.
        has_encrypted_file: whether there is an encrypted file, which needs its passphrase, in use or not.
    """

    kind: StoreKind
    file: Path | None
    has_encrypted_file: bool


def remembered_store() -> RememberedStore:
    """Return the secret store that is opened without a choice.

    Raises:
        StateUnusable: the state directory or the index cannot be used.
    """
    kind = stores.remembered_place()
    return RememberedStore(
        kind,
        None if kind is StoreKind.KEYRING else stores.file_path(kind),
        stores.file_path(StoreKind.ENCRYPTED_FILE).exists(),
    )


async def open_secret_store(
    kind: StoreKind | None = None,
    *,
    passphrase: Secret | None = None,
    create: bool = False,
    probe: bool = True,
) -> OpenedStore:
    """Return a secret store that is open. Nothing replaces the keyring unless the user chose it.

    Args:
        kind: which; None for the one that is remembered.
        passphrase: of the encrypted file.
        create: true to make the encrypted file where there is none.
        probe: true to write, read and delete a value first.

    Raises:
        NoSecretStore: with the reason and what to do. `PassphraseNeeded` or `WrongPassphrase` if
            another passphrase may open it.
    """
    if kind is StoreKind.MEMORY:
        return OpenedStore.in_memory(instead_of=state_directory())
    chosen = stores.remembered_place() if kind is None else kind
    store = stores.store_at(chosen, passphrase=passphrase, create=create)
    return await stores.open_store(store, probe=probe)


def records_by_store(session: Session) -> Counter[StoreKind]:
    """Return how many records, unreadable ones included, have their secrets in each store."""
    index = session.credentials.index
    return Counter(pointer.place for table in TABLES for pointer in table.pointers(index))


async def move_secrets(
    target: Session,
    unlock: Callable[[], Awaitable[OpenedStore]],
    *,
    in_use: Session | None = None,
    on_progress: OnProgress = lambda _done, _whole: None,
) -> MoveReport:
    """Move everything that is elsewhere to the store of `target`, and remember it as the secret store.

    Args:
        unlock: opens the encrypted file; called before anything is moved, and only if secrets come from it.
        in_use: the session of a running app. If its secrets are in memory, they move, too.
        on_progress: called with the records done and their number, for each store again.

    Raises:
        AuthlensError: a store cannot be opened; what was moved until then is moved.
    """
    # Each verb asks which store is remembered, and hardly any moves one.
    from authlens_core.credentials.vault.move import MoveReport, erase_left, move

    report, to = MoveReport(), target.credentials
    open_stores = {open_.credentials.store.place: open_.credentials for open_ in (in_use, target) if open_}
    async with AsyncExitStack() as stack:
        # What is in memory has an index of its own, which only the running app can read.
        sources = set(records_by_store(target)) - {to.store.place, StoreKind.MEMORY}
        # First, because a wrong passphrase in the middle would leave secrets in two stores.
        if StoreKind.ENCRYPTED_FILE in sources - set(open_stores):
            unlocked = await Credentials.on((await unlock()).store)
            open_stores[StoreKind.ENCRYPTED_FILE] = await stack.enter_async_context(aclosing(unlocked))
        if in_use is not None and not in_use.credentials.store.persistent:
            report += await move(in_use.credentials, to, on_progress)
        for place in sorted(sources):
            source = open_stores.get(place)
            if source is None:
                elsewhere = Credentials.open(stores.store_at(place))
                source = await stack.enter_async_context(aclosing(elsewhere))
            report += await move(source, to, on_progress)
    # Otherwise the next start would look at the new place alone, where some are missing.
    if report.is_complete:
        to.remember_place()
    return replace(report, left=await erase_left(to))
