"""Where the secrets are: the store that is used, opening another one, and moving all secrets to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from authlens_core.credentials.records.table import TABLES
from authlens_core.credentials.vault import open_store as stores
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.credentials.vault.open_store import OpenedStore
from authlens_core.state.paths import state_directory
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

if TYPE_CHECKING:
    from authlens_core.credentials.vault.move import MoveReport, OnProgress
    from authlens_core.desk.session import Session

__all__ = [
    "MoveReport",
    "OnProgress",
    "OpenedStore",
    "RememberedStore",
    "StoreKind",
    "move_secrets",
    "open_secret_store",
    "records_by_store",
    "remembered_store",
]


@dataclass(frozen=True, slots=True)
class RememberedStore:
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
    return await stores.open_store(place=chosen, passphrase=passphrase, create=create, probe=probe)


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
            async with _source(open_stores, place) as source:
                report += await move(source, to, on_progress)
    if report.is_complete:
        to.remember_place()
    return replace(report, left=await erase_left(to))


@asynccontextmanager
async def _source(open_stores: dict[StoreKind, Credentials], place: StoreKind) -> AsyncIterator[Credentials]:
    """Yield credentials on a place: those that are open, which stay open, or new ones."""
    if place in open_stores:
        yield open_stores[place]
        return
    async with aclosing(Credentials.open(stores.store_at(place))) as source:
        yield source
