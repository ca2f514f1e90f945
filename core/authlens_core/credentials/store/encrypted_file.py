"""The keyring backend that has an encrypted file: the one of entries, with each value sealed.

The key is made of a passphrase (scrypt, RFC 7914), and seals with AES-256-GCM. A check in the header
distinguishes a wrong passphrase from a damaged file: it has a digest that needs no key, and is opened by the
right key alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import unicodedata
from pathlib import Path
from typing import Any, ClassVar, Final

from authlens_core.credentials.store.file_keyring import FileKeyring, FileKeyringError, told
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import SHORTEST_PASSPHRASE

# scrypt's N for new files: 128 MiB and about 0.3 s.
COST: Final = 2**17

# A file may not name any cost: a huge one would take all memory, and a small one would make guessing cheap.
_COSTS: Final = frozenset(2**n for n in range(14, 20))
_BLOCK: Final = 8  # scrypt's r (RFC 7914 §2)
# Bytes, as AES-GCM wants them (NIST SP 800-38D §5.2.1.1).
_NONCE: Final = 12
_KNOWN: Final = "authlens: the passphrase is right"


class SealBroken(Exception):
    """The value was not sealed with this key for this place, or was changed since."""


def _damaged() -> FileKeyringError:
    return FileKeyringError("damaged", "the file header is damaged")


class EncryptedFileKeyring(FileKeyring):
    """Keeps each value encrypted, bound to its service and user, with a key from a passphrase."""

    format: ClassVar[str] = "authlens encrypted file"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._key: Secret | None = None

    def unlock(self, passphrase: Secret) -> Secret:
        """Open the file with its passphrase, and return the key for `unlock_with`.

        Raises:
            FileKeyringError: the passphrase is wrong, or the file is gone or damaged.
        """
        with told():
            header = self._header()
            return self.unlock_with(derive(header, passphrase))

    def unlock_with(self, key: Secret) -> Secret:
        with told():
            if not unlocks(self._header(), key):
                raise FileKeyringError("passphrase", "wrong passphrase")
        self._key = key
        return key

    def create(self, passphrase: Secret, cost: int | None = None) -> Secret:
        """Make the file and return its key; if another program made it meanwhile, open that."""
        if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
            raise FileKeyringError("short", f"a passphrase needs {SHORTEST_PASSPHRASE} characters")
        header, key = new_header(passphrase, cost)
        with told(), self.file.changing() as content:
            # Looked at under the lock: two programs may make the file at the same moment, with two
            # passphrases.
            if not content.header:
                content.header.update(header)
        if unlocks(self._header(), key):
            return self.unlock_with(key)
        return self.unlock(passphrase)

    def _header(self) -> dict[str, object]:
        header = self.file.read().header
        if not header:
            raise FileKeyringError("absent", f"{self.path} is missing")
        return header

    def _held(self) -> Secret:
        if self._key is None:
            raise FileKeyringError("locked", "no passphrase was given")
        return self._key

    def opened(self, service: str, username: str, value: object) -> str:
        try:
            return open_sealed(self._held(), ("entry", service, username), value)
        except SealBroken:
            raise FileKeyringError("damaged", f"an entry in {self.path} was changed or is damaged") from None

    def closed(self, service: str, username: str, value: str) -> str:
        return seal(self._held(), ("entry", service, username), value)


def derive(header: dict[str, Any], passphrase: Secret) -> Secret:
    """Return the key for a file with this header, base64; takes time and memory on purpose.

    Raises:
        FileKeyringError: the header is damaged, or asks for more than is reasonable.
    """
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    # Not for safety, anyone can compute it: it tells damage from a wrong passphrase.
    if header.get("sha256") != _digest(header):
        raise _damaged()
    salt, cost = _decoded(header.get("salt")), header.get("n")
    if type(cost) is not int or cost not in _COSTS or header.get("r") != _BLOCK or header.get("p") != 1:
        raise _damaged()
    # macOS types an accented letter as two characters, other systems as one.
    text = unicodedata.normalize("NFC", passphrase.reveal()).encode("utf-8", "surrogatepass")
    key = Scrypt(salt=salt, length=32, n=cost, r=_BLOCK, p=1).derive(text)
    return Secret(base64.b64encode(key).decode())


def new_header(passphrase: Secret, cost: int | None = None) -> tuple[dict[str, Any], Secret]:
    """Return the header of a new file, and the key; `cost` is scrypt's N, `COST` by default."""
    cost = COST if cost is None else cost
    salt = base64.b64encode(secrets.token_bytes(16)).decode()
    header: dict[str, Any] = {"kdf": "scrypt", "n": cost, "r": _BLOCK, "p": 1, "salt": salt}
    key = derive({**header, "sha256": _digest(header)}, passphrase)
    # So that a wrong passphrase is noticed at once, and is not mistaken for a damaged entry.
    header["check"] = seal(key, _bound(header), _KNOWN)
    return {**header, "sha256": _digest(header)}, key


def unlocks(header: dict[str, Any], key: Secret) -> bool:
    try:
        return open_sealed(key, _bound(header), header.get("check")) == _KNOWN
    except SealBroken:
        return False


def seal(key: Secret, bound: tuple[str, ...], value: str) -> str:
    """Return `value` encrypted, base64, with a nonce of its own.

    Args:
        key: from `derive`.
        bound: what it belongs to; it opens for nothing else.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    # 96 random bits: AES-GCM bears 2**32 values under one key (NIST SP 800-38D §8.3), far more than are
    # written.
    nonce = secrets.token_bytes(_NONCE)
    # Bound to its place: a value that is moved to another entry of the file no longer opens.
    sealed = AESGCM(_decoded(key.reveal())).encrypt(
        nonce, value.encode("utf-8", "surrogatepass"), _join(bound)
    )
    return base64.b64encode(nonce + sealed).decode()


def open_sealed(key: Secret, bound: tuple[str, ...], sealed: object) -> str:
    """Return what `seal` was given.

    Raises:
        SealBroken: another key, another place, or a changed value.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = _decoded(sealed)
        opened = AESGCM(_decoded(key.reveal())).decrypt(data[:_NONCE], data[_NONCE:], _join(bound))
    except (InvalidTag, FileKeyringError, ValueError):
        raise SealBroken from None
    return opened.decode("utf-8", "surrogatepass")


def _bound(header: dict[str, Any]) -> tuple[str, ...]:
    return "check", str(header.get("n")), str(header.get("salt"))


def _join(bound: tuple[str, ...]) -> bytes:
    return json.dumps(["authlens 1", *bound]).encode()


def _digest(header: dict[str, Any]) -> str:
    parts = {name: value for name, value in header.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except (binascii.Error, ValueError):
        raise _damaged() from None
