"""A store that says whether it was closed."""

from authlens_core.credentials.store.secret_store import MemoryStore

__all__ = ["WatchedStore"]


class WatchedStore(MemoryStore):
    """A store in memory that has to be closed, as the helper of a keyring has to be."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True
