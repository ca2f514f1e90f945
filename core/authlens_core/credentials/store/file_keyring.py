"""A private file of entries, and the keyring backend that has one: for a machine that has no keyring.

It runs in the helper process, as every backend does, and is never chosen automatically: a user names it.

The file is replaced whole: whenever the program dies, it is the old one or the new. It is JSON,
`{"format": …, "version": 1, "header": {…}, "entries": {…}}`, mode 0600. A change is made under a lock of the
operating system, in a draft beside it that is flushed to the disk before it takes its place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Final

from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, PasswordDeleteError
from msgspec import Struct

from authlens_core.state import private_file
from authlens_core.state.paths import own_file
from authlens_core.values.errors import NoSecretStore
from authlens_core.values.formats.json_document import JsonRefused, load_object

VERSION: Final = 1
# Seconds to wait for another process that writes.
BUSY_SECONDS: Final = 2.0
_LARGEST: Final = 256 * 1024 * 1024  # bytes


class FileKeyringError(KeyringError):
    """The file failed; `kind` is what the helper answers with."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class FileContent(Struct):
    """What is in the file."""

    header: dict[str, Any] = {}
    entries: dict[str, Any] = {}


class EntryFile:
    """One such file.

    Args:
        path: where it is; its directory is there and private.
        kind: the name of the format, so that no other file is taken for it.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._kind = kind
        self._read: tuple[tuple[int, int, int], FileContent] | None = None

    def read(self) -> FileContent:
        """Return what is in the file, which is not to be changed; nothing if there is no file.

        Raises:
            FileKeyringError: it cannot be read as what it is, or a newer version wrote it.
            StateUnusable: it is a link, or not ours.
            OSError: it cannot be read.
        """
        # A link to nowhere is not "no file": it is refused by `own_file`, and not written through.
        if not os.path.lexists(self.path):
            return FileContent()
        # Checked and then opened without following: between the two, someone could put a link there.
        descriptor = os.open(own_file(self.path), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            # Each change makes a new file, so these three name one content.
            seen = status.st_ino, status.st_mtime_ns, status.st_size
            if self._read is None or self._read[0] != seen:
                self._read = seen, self._parsed(file.read(_LARGEST))
        return self._read[1]

    def _parsed(self, data: bytes) -> FileContent:
        document: dict[str, Any] | None = None
        # Raised outside the handler: the decoder's error carries the whole text.
        with suppress(JsonRefused):
            document = load_object(data, large=True)
        if document is None or document.get("format") != self._kind:
            raise self._error("damaged", "was changed since it was written")
        version, header, entries = document.get("version"), document.get("header"), document.get("entries")
        # Refused rather than read: writing it back would lose what this version does not know.
        if isinstance(version, int) and version > VERSION:
            raise self._error("newer", f"was written by a newer authlens (version {version})")
        if version != VERSION or not isinstance(header, dict) or not isinstance(entries, dict):
            raise self._error("damaged", "is damaged")
        return FileContent(header, entries)

    def _error(self, kind: str, what: str) -> FileKeyringError:
        return FileKeyringError(kind, f"{self.path} {what}")

    @contextmanager
    def changing(self) -> Iterator[FileContent]:
        """Yield the content to change it; it is written when the block ends without an exception.

        Raises:
            FileKeyringError: another process was writing for all of `BUSY_SECONDS`.
            as `read`; OSError: it could not be written: the old file stays.
        """
        with self._locked():
            # Read again under the lock: another program may have changed it since.
            present = self.read()
            content = FileContent(dict(present.header), dict(present.entries))
            yield content
            self._write(content)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # A file beside it, because the file itself is another one after each write.
        lock = private_file.os_lock(own_file(self.path.with_name(f"{self.path.name}.lock")))
        if not private_file.acquired(lock, BUSY_SECONDS):
            raise self._error("busy", "is being written by another authlens")
        try:
            yield
        finally:
            lock.release()

    def _write(self, content: FileContent) -> None:
        text = json.dumps(
            {
                "format": self._kind,
                "version": VERSION,
                "header": content.header,
                "entries": content.entries,
            }
        ).encode()
        private_file.replace(self.path, text, locked=True)


class FileKeyring(KeyringBackend):
    """Keeps values as they are: everyone who may read the file as this user, or is root, has them."""

    priority: ClassVar[float] = 0
    format: ClassVar[str] = "authlens plain file"

    def __init__(self, path: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path
        self.file = EntryFile(path, self.format)

    def get_password(self, service: str, username: str) -> str | None:
        with told():
            value = self.file.read().entries.get(_key(service, username))
        return None if value is None else self.opened(service, username, value)

    def set_password(self, service: str, username: str, password: str) -> None:
        value = self.closed(service, username, password)
        with told(), self.file.changing() as content:
            content.entries[_key(service, username)] = value

    def delete_password(self, service: str, username: str) -> None:
        """Remove a value; needs no passphrase.

        Raises:
            PasswordDeleteError: there is none.
        """
        with told():
            # Looked at without the lock first: for an entry that is not there, no file is written.
            if _key(service, username) not in self.file.read().entries:
                raise PasswordDeleteError("there is no such entry")
            with self.file.changing() as content:
                content.entries.pop(_key(service, username), None)

    def opened(self, _service: str, _username: str, value: object) -> str:
        if not isinstance(value, str):
            raise FileKeyringError("damaged", f"{self.path} is damaged")
        return value

    def closed(self, _service: str, _username: str, value: str) -> str:
        return value


def _key(service: str, username: str) -> str:
    return f"{service}\n{username}"


@contextmanager
def told() -> Iterator[None]:
    """Turn what can go wrong with a file into the errors of a keyring."""
    try:
        yield
    except NoSecretStore as error:
        raise FileKeyringError("unusable", error.cause) from None
    except OSError as error:
        raise FileKeyringError("unusable", error.strerror or type(error).__name__) from None
