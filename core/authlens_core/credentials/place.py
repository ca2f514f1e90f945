"""The kinds of place where secrets are kept."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Place"]


class Place(StrEnum):
    """Where the secrets of a record are; the value stands in the index and on the command line."""

    KEYRING = "keyring"
    ENCRYPTED_FILE = "encrypted-file"
    FILE = "file"
    MEMORY = "memory"

    @property
    def words(self) -> str:
        """What a person calls it."""
        return _WORDS[self]


_WORDS = {
    Place.KEYRING: "the keyring",
    Place.ENCRYPTED_FILE: "the encrypted file",
    Place.FILE: "the plain file (readable by anybody who is you or root)",
    Place.MEMORY: "memory only",
}
