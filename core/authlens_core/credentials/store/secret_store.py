"""Where secrets are stored: the protocol of a store, its errors, and the one that forgets at exit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from authlens_core.values.errors import NoSecretStore
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

# Seconds that one call of a store may take.
CALL_LIMIT: Final = 3.0
_Answer = TypeVar("_Answer")


class SecretStoreTimeout(NoSecretStore):
    """The keyring did not answer in time; it may be waiting for an unlock prompt on a desktop."""


def keyring_too_slow(name: str, bound: float) -> SecretStoreTimeout:
    """Return the error of a keyring called `name` that took longer than `bound` seconds."""
    return SecretStoreTimeout(
        f"{name[:1].upper()}{name[1:]} did not answer within {bound:g} seconds; it may be showing an "
        "unlock prompt on the desktop.",
        "Unlock it and try again, or continue with a memory-only session.",
    )


async def ask_twice(ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return the answer of a store, asked again if it did not answer in time: a busy machine makes it slow.

    Raises:
        NoSecretStore: as by `ask`; `SecretStoreTimeout` if it was too slow twice.
    """
    try:
        return await ask()
    except SecretStoreTimeout:
        return await ask()


OTHER_STORE: Final = ("Or store secrets in an encrypted file", "authlens store --move encrypted-file")


class NoKeyring(NoSecretStore):
    """There is no keyring here, or it stores nothing."""

    def __init__(self, detail: str) -> None:
        from authlens_core.values.fix import fix, step  # a stored token needs none

        start = (
            "Start one (on Linux: gnome-keyring or KWallet), set PYTHON_KEYRING_BACKEND, or continue with a "
            "memory-only session."
        )
        super().__init__(f"There is no usable keyring: {detail}.", fix(start, step(*OTHER_STORE)))


class SecretStoreFailed(NoSecretStore):
    """The keyring, or the helper that speaks to it, broke."""


class StoreElsewhere(NoSecretStore):
    """The secrets are stored in another place than the store that is open."""

    def __init__(self, kept_in: StoreKind, open_now: str) -> None:
        from authlens_core.values.fix import step  # a stored token needs none

        super().__init__(
            f"The tokens of this login are stored in {kept_in.words}, but {open_now} is open.",
            step("Restart authlens to open it, or see", "authlens store"),
        )


class SecretReader(Protocol):
    """What can be asked for the value of an entry."""

    async def get(self, entry: str) -> Secret | None:
        """Return the value of `entry`, or None if there is none."""
        ...


class SecretStore(SecretReader, Protocol):
    """A secret store: one value for each entry name. Every call ends within `CALL_LIMIT` seconds.

    Raises:
        SecretStoreTimeout, SecretStoreDenied, SecretStoreFailed: by every method that reaches the store.
    """

    @property
    def name(self) -> str:
        """What the store is called, for a user."""
        ...

    @property
    def persistent(self) -> bool:
        """True when secrets outlive this process."""
        ...

    @property
    def place(self) -> StoreKind:
        """Which of the places it is, as the index knows it."""
        ...

    async def set(self, entry: str, value: Secret) -> None:
        """Store `value` under `entry`, instead of what was there."""
        ...

    async def delete(self, entry: str) -> None:
        """Remove `entry`; no error where there is none."""
        ...

    async def aclose(self) -> None:
        """Let go of everything the store holds; it may be used again afterwards."""
        ...


class MemoryStore:
    """Keeps secrets in this process only: when it ends they are gone."""

    name = "memory only"
    persistent = False
    place: StoreKind = StoreKind.MEMORY

    def __init__(self) -> None:
        self.values: dict[str, Secret] = {}

    async def get(self, entry: str) -> Secret | None:
        return self.values.get(entry)

    async def set(self, entry: str, value: Secret) -> None:
        self.values[entry] = value

    async def delete(self, entry: str) -> None:
        self.values.pop(entry, None)

    async def aclose(self) -> None:
        """Keep everything: memory holds nothing that must be let go."""
