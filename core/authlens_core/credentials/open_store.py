"""Finding the place for secrets before a login begins, and saying which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from authlens_core.credentials.keyring_store import Backend, KeyringStore
from authlens_core.credentials.secret_store import CALL_LIMIT, MemoryStore, SecretStore

__all__ = ["OpenedStore", "memory_only", "open_store"]


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """A store that works.

    Attributes:
        store: the store.
        name: what it is called, for the screen.
        notes: what a person should know about it, each one sentence.
    """

    store: SecretStore
    name: str
    notes: tuple[str, ...] = ()


async def open_store(
    *, limit: float = CALL_LIMIT, probe: bool = True, environ: Mapping[str, str] | None = None
) -> OpenedStore:
    """Return the keyring, after a value was written to it, read back and deleted.

    Nothing takes its place by itself: where there is none, the caller may offer `memory_only()`.

    Args:
        limit: seconds that one call may take; more for somebody who wants to answer an unlock prompt.
        probe: false to leave the trial out, for a program that only reads.
        environ: the helper's environment; None is the process's own.

    Raises:
        NoSecretStore: with the reason and the cure; `SecretStoreTimeout` where it did not answer in time,
            `SecretStoreDenied` where it is locked.
    """
    store = KeyringStore(limit=limit, environ=environ)
    try:
        backend = await store.open(probe=probe)
    except BaseException:
        await store.aclose()
        raise
    return OpenedStore(store, backend.name, _notes(backend))


def memory_only() -> OpenedStore:
    """Return a store that forgets everything when the program ends, for somebody who chose it."""
    note = "Tokens are kept in memory only: when authlens ends they are gone, and stay valid at the server."
    return OpenedStore(MemoryStore(), "memory only", (note,))


def _notes(backend: Backend) -> tuple[str, ...]:
    if not backend.named:
        return ()
    if "plaintext" in backend.name.lower() or backend.name.startswith("keyrings.alt."):
        return (f"{backend.name} is a file, perhaps without encryption; you chose it yourself.",)
    return (f"{backend.name} was chosen by PYTHON_KEYRING_BACKEND or keyringrc.cfg.",)
