"""Finding the secret store before a login starts, and saying which one it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.credentials.records.index import Index
from authlens_core.credentials.store.keyring_store import Backend, FileStore, KeyringStore
from authlens_core.credentials.store.secret_store import CALL_LIMIT, MemoryStore, SecretStore
from authlens_core.state.paths import state_directory
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

_FILES: Final = {
    StoreKind.ENCRYPTED_FILE: "secrets.encrypted.json",
    StoreKind.FILE: "secrets.plain.json",
}


class OpenedStore(Struct, frozen=True):
    """A store that works.

    Attributes:
        notes: what a user should know about it, each one sentence.
    """

    store: SecretStore
    notes: tuple[str, ...] = ()

    @classmethod
    def in_memory(cls, *, instead_of: Path | None = None) -> OpenedStore:
        """Return a store that forgets everything when the program ends, if the user chose it.

        Args:
            instead_of: the state directory of a store that could not be opened; what it holds is counted in
                the notes, because it is not shown until that store is open again.
        """
        note = "Tokens are in memory only: they are lost when authlens ends, but stay valid at the server."
        hidden = () if instead_of is None else _hidden_notes(instead_of)
        return cls(MemoryStore(), (*hidden, note))


def file_path(place: StoreKind) -> Path:
    """Return where the file of `place` is, in the state directory, which is made if need be.

    Raises:
        StateUnusable: the state directory cannot be used.
        KeyError: the place is no file.
    """
    return state_directory() / _FILES[place]


def remembered_place() -> StoreKind:
    """Return the place that the user chose for good; the keyring where they chose none.

    Raises:
        StateUnusable: the state directory or the index cannot be used.
    """
    path = state_directory() / "index.sqlite3"
    # To open it would make it: a question leaves nothing behind.
    if not path.exists():
        return StoreKind.KEYRING
    with closing(Index(path)) as index:
        remembered = index.fact("place")
    # Memory is never chosen for good; a word that is unknown here comes from a newer authlens.
    return (
        StoreKind(remembered)
        if remembered in (StoreKind.ENCRYPTED_FILE, StoreKind.FILE)
        else StoreKind.KEYRING
    )


def store_at(
    place: StoreKind,
    *,
    passphrase: Secret | None = None,
    create: bool = False,
    limit: float = CALL_LIMIT,
) -> KeyringStore:
    """Return the store of a place; nothing is asked or started before its first call.

    A file is a keyring store, too: the helper process has a backend of ours for it.

    Args:
        passphrase: of the encrypted file; without one, entries can only be deleted.
        limit: seconds that one call may take; more if the user wants to answer an unlock prompt.

    Raises:
        StateUnusable: the state directory cannot be used.
    """
    if place is StoreKind.KEYRING:
        return KeyringStore(limit=limit)
    path = file_path(place)
    return FileStore(place, path, passphrase=passphrase, create=create, limit=limit)


async def open_store(store: KeyringStore, *, probe: bool = True) -> OpenedStore:
    """Open a store, or close it if that fails: a value is written to it, read back and deleted.

    Nothing takes the keyring's place automatically: where there is none, the caller may offer the others.

    Args:
        probe: false to leave the trial out, for a program that only reads.

    Raises:
        NoSecretStore: with the reason and what to do; `SecretStoreTimeout` where it did not answer in time,
            `SecretStoreDenied` where it is locked, `WrongPassphrase` where that is why.
    """
    try:
        backend = await store.open(probe=probe)
    except BaseException:
        await store.aclose()
        raise
    is_keyring = store.place is StoreKind.KEYRING
    return OpenedStore(store, _notes(backend) if is_keyring else _file_notes(store.place))


async def why_nothing_can_be_stored() -> NoSecretStore | None:
    """Return why a login could not be stored in the remembered place, as far as no passphrase tells."""
    place = remembered_place()
    if place is StoreKind.ENCRYPTED_FILE:
        return None
    try:
        await (await open_store(store_at(place), probe=False)).store.aclose()
    except NoSecretStore as error:
        return error
    return None


def _hidden_notes(directory: Path) -> tuple[str, ...]:
    path = directory / "index.sqlite3"
    count = 0
    if path.exists():
        with closing(Index(path)) as index:
            count = len(index.grants()[0])
    if not count:
        return ()
    kept = "1 login is" if count == 1 else f"{count} logins are"
    return (f"{kept} stored in the secret store that could not be opened, and shown again when it can be.",)


def _file_notes(place: StoreKind) -> tuple[str, ...]:
    where = str(file_path(place))
    if place is StoreKind.ENCRYPTED_FILE:
        return (f"Tokens are stored in an encrypted file, {where}.",)
    return (f"Tokens are stored in a plain file that you and root can read: {where}.",)


def _notes(backend: Backend) -> tuple[str, ...]:
    if not backend.named:
        return ()
    if "plaintext" in backend.name.lower() or backend.name.startswith("keyrings.alt."):
        return (f"{backend.name} is a file, perhaps unencrypted; you chose it.",)
    return (f"{backend.name} was chosen by PYTHON_KEYRING_BACKEND or keyringrc.cfg.",)
