"""The two files of ours as a store: the same helper process as for the keyring, set to use the file."""

from __future__ import annotations

from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.store.secret_store import CALL_LIMIT, SecretStoreFailed, SecretStoreTimeout
from authlens_core.values.errors import NoSecretStore, PassphraseNeeded, WrongPassphrase
from authlens_core.values.fix import again
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import StoreKind

# Seconds for a call that has to make the key from the passphrase first: that is slow on purpose.
UNLOCK_LIMIT: Final = 20.0


class StoreDamaged(SecretStoreFailed):
    """The file is not what was written, or is gone."""


class FileStore(KeyringStore):
    """Keeps secrets in a file: encrypted with a passphrase, or as they are.

    Args:
        place: `StoreKind.ENCRYPTED_FILE` or `StoreKind.FILE`.
        path: the file, in a private directory.
        passphrase: of the encrypted file; without one, entries can only be deleted.
        limit: seconds that one call may take.
    """

    def __init__(
        self,
        place: StoreKind,
        path: Path,
        *,
        passphrase: Secret | None = None,
        create: bool = False,
        limit: float = CALL_LIMIT,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(limit=limit, environ=environ)
        self.place = place
        self._path = path
        self._passphrase = passphrase
        self._create = create
        self._key: Secret | None = None
        self._told: Process | None = None
        self.name = place.words

    def _bound(self) -> float:
        return UNLOCK_LIMIT if self._passphrase is not None else self._limit

    async def _running(self) -> Process:
        helper = await super()._running()
        # A helper that died was replaced by a new one, which does not know the file yet.
        if helper is not self._told:
            answer = await self._talk(helper, self._use())
            if answer.get("ok") is not True:
                raise self._refused(answer)
            self._told = helper
            if isinstance(answer.get("key"), str):
                # From now on the key opens it, at once; the passphrase is not needed any more.
                self._key, self._passphrase = Secret(answer["key"]), None
        return helper

    def _use(self) -> dict[str, object]:
        request: dict[str, object] = {"op": "use", "place": self.place.value, "path": str(self._path)}
        if self._key is not None:
            request["key"] = self._key.reveal()
        elif self._passphrase is not None:
            request["passphrase"] = self._passphrase.reveal()
            request["create"] = self._create
        return request

    def _too_slow(self) -> SecretStoreTimeout:
        return SecretStoreTimeout(
            f"{self._path} could not be read or written within {self._bound():g} seconds.",
            "Check its disk (is a network drive disconnected?), then try again.",
        )

    def _refused(self, answer: Mapping[str, Any]) -> NoSecretStore:
        # The helper puts the class of an error before its text.
        detail = str(answer.get("detail", "")).removeprefix("FileKeyringError: ")
        match answer.get("kind"):
            case "passphrase":
                return WrongPassphrase("Wrong passphrase for the encrypted file.", "Type it again.")
            case "short":
                return WrongPassphrase(f"That is too short: {detail}.", "Choose a longer one.")
            case "locked":
                return PassphraseNeeded("The encrypted file is locked.", "Enter its passphrase.")
            case "damaged":
                return StoreDamaged(
                    f"The file with the tokens is damaged: {detail}.",
                    again("Restore a copy, or move the file away and log in again"),
                )
            case "absent":
                return StoreDamaged(
                    f"The file with the tokens is missing: {detail}.",
                    again("Restore it, or choose another secret store (authlens store) and log in again"),
                )
            case "newer":
                return SecretStoreFailed(f"{detail}.", "Use the newer authlens.")
            case "busy":
                return SecretStoreTimeout(f"{detail}.", "Wait for it, then try again.")
            case _:
                return SecretStoreFailed(
                    f"{self._path} cannot be used ({detail}).",
                    "Check the disk (full? read-only?), then try again.",
                )
