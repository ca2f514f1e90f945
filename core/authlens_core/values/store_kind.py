"""The kinds of credential, and of the places where their secrets are stored."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SHORTEST_PASSPHRASE: Final = 8  # characters


class CredentialKind(StrEnum):
    """A kind of credential, by its word on the command line and in JSON."""

    OAUTH = "oauth"
    MACHINE = "machine"
    """OAuth, too: a program got it, and no user logged in."""
    SERVICE_TOKEN = "service-token"  # noqa: S105 - a kind, not a token
    CLOUDFLARED = "cloudflared"

    @property
    def label(self) -> str:
        """Its word in a table or a sentence."""
        return "OAuth" if self is CredentialKind.OAUTH else self.value.replace("-", " ")


class StoreKind(StrEnum):
    """Where the secrets of a record are; the value is in the index and on the command line."""

    KEYRING = "keyring"
    ENCRYPTED_FILE = "encrypted-file"
    FILE = "file"
    MEMORY = "memory"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def move_command(self) -> str:
        """The command that moves all secrets there; empty for memory, which ends with the program."""
        confirmed = " --yes" if self is StoreKind.FILE else ""
        return "" if self is StoreKind.MEMORY else f"authlens store --move {self}{confirmed}"


_WORDS = {
    StoreKind.KEYRING: "the keyring",
    StoreKind.ENCRYPTED_FILE: "the encrypted file",
    StoreKind.FILE: "the plain file (readable by you and root)",
    StoreKind.MEMORY: "memory only",
}
