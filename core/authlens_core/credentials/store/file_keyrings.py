"""Two keyring backends of our own, for a machine that has none: an encrypted file, and a plain one.

They run in the helper process, as every backend does. Neither is ever chosen automatically: a user names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError

from authlens_core.credentials.store import encryption
from authlens_core.credentials.store.entry_file import EntryFile, FileBusy, FileDamaged, FileNewer
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.secret import Secret
from authlens_core.values.store_kind import SHORTEST_PASSPHRASE


class FileKeyringError(KeyringError):
    """The file failed; `kind` is what the helper answers with."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class FileKeyring(KeyringBackend):
    """What the two have in common: one file, one value for each service and user."""

    priority: ClassVar[float] = 0
    format: ClassVar[str] = ""

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path
        self._file = EntryFile(path, self.format)

    def get_password(self, service: str, username: str) -> str | None:
        with _told():
            value = self._file.read().entries.get(_key(service, username))
        return None if value is None else self._opened(service, username, value)

    def set_password(self, service: str, username: str, password: str) -> None:
        value = self._closed(service, username, password)
        with _told(), self._file.changing() as content:
            content.entries[_key(service, username)] = value

    def delete_password(self, service: str, username: str) -> None:
        """Remove a value; needs no passphrase.

        Raises:
            PasswordDeleteError: there is none.
        """
        with _told():
            if _key(service, username) not in self._file.read().entries:
                raise PasswordDeleteError("there is no such entry")
            with self._file.changing() as content:
                content.entries.pop(_key(service, username), None)

    def _opened(self, service: str, username: str, value: object) -> str:
        raise NotImplementedError

    def _closed(self, service: str, username: str, value: str) -> str:
        raise NotImplementedError


class PlainFileKeyring(FileKeyring):
    """Keeps values as they are: everyone who may read the file as this user, or is root, has them."""

    format: ClassVar[str] = "authlens plain file"

    def _opened(self, _service: str, _username: str, value: object) -> str:
        if not isinstance(value, str):
            raise FileKeyringError("damaged", f"{self.path} is damaged")
        return value

    def _closed(self, _service: str, _username: str, value: str) -> str:
        return value


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
        with _told():
            header = self._header()
            return self.unlock_with(encryption.derive(header, passphrase))

    def unlock_with(self, key: Secret) -> Secret:
        with _told():
            if not encryption.unlocks(self._header(), key):
                raise FileKeyringError("passphrase", "wrong passphrase")
        self._key = key
        return key

    def create(self, passphrase: Secret, cost: int | None = None) -> Secret:
        """Make the file and return its key; if another program made it meanwhile, open that."""
        if len(passphrase.reveal()) < SHORTEST_PASSPHRASE:
            raise FileKeyringError("short", f"a passphrase needs {SHORTEST_PASSPHRASE} characters")
        header, key = encryption.new_header(passphrase, cost)
        with _told(), self._file.changing() as content:
            # Looked at under the lock: two programs may make the file at the same moment, with two
            # passphrases.
            if not content.header:
                content.header.update(header)
        if encryption.unlocks(self._header(), key):
            return self.unlock_with(key)
        return self.unlock(passphrase)

    def _header(self) -> dict[str, object]:
        header = self._file.read().header
        if not header:
            raise FileKeyringError("absent", f"{self.path} is missing")
        return header

    def _held(self) -> Secret:
        if self._key is None:
            raise FileKeyringError("locked", "no passphrase was given")
        return self._key

    def _opened(self, service: str, username: str, value: object) -> str:
        try:
            return encryption.open_sealed(self._held(), ("entry", service, username), value)
        except encryption.SealBroken:
            raise FileKeyringError("damaged", f"an entry in {self.path} was changed or is damaged") from None

    def _closed(self, service: str, username: str, value: str) -> str:
        return encryption.seal(self._held(), ("entry", service, username), value)


def _key(service: str, username: str) -> str:
    return f"{service}\n{username}"


@contextmanager
def _told() -> Iterator[None]:
    """Turn what can go wrong with a file into the errors of a keyring."""
    try:
        yield
    except FileDamaged as error:
        raise FileKeyringError("damaged", str(error)) from None
    except encryption.CheckDamaged:
        raise FileKeyringError("damaged", "the file header is damaged") from None
    except FileNewer as error:
        raise FileKeyringError("newer", str(error)) from None
    except FileBusy as error:
        raise FileKeyringError("busy", str(error)) from None
    except NoSecretStore as error:
        raise FileKeyringError("unusable", error.cause) from None
    except OSError as error:
        raise FileKeyringError("unusable", error.strerror or type(error).__name__) from None
