"""The kinds of place where secrets are stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SHORTEST_PASSPHRASE: Final = 8  # characters


class StoreKind(StrEnum):
    """Where the secrets of a record are; the value is in the index and on the command line."""

    KEYRING = "keyring"
    ENCRYPTED_FILE = "encrypted-file"
    FILE = "file"
    MEMORY = "memory"

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    StoreKind.KEYRING: "the keyring",
    StoreKind.ENCRYPTED_FILE: "the encrypted file",
    StoreKind.FILE: "the plain file (readable by you and root)",
    StoreKind.MEMORY: "memory only",
}
