"""A private file of entries that is replaced whole: whenever the program dies, it is the old one or the new.

It is JSON, `{"format": …, "version": 1, "header": {…}, "entries": {…}}`, mode 0600. A change is made under a
lock of the operating system, in a draft beside it that is flushed to the disk before it takes its place.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from authlens_core.grammars.json_document import JsonRefused, load_object
from authlens_core.state import private_file
from authlens_core.state.os_lock import os_lock, taken
from authlens_core.state.paths import own_file
from authlens_core.values.quick_dataclass import dataclass

VERSION: Final = 1
# Seconds to wait for another process that writes.
BUSY_SECONDS: Final = 2.0
# Short: a write takes milliseconds, and the helper that waits does nothing else meanwhile.
_POLL_SECONDS: Final = 0.01
_LARGEST: Final = 256 * 1024 * 1024  # bytes


class FileDamaged(Exception):
    """The file is not what was written. The text says where it is and what is wrong."""


class FileNewer(Exception):
    """A newer version wrote the file, and this one does not touch it."""


class FileBusy(Exception):
    """Another process was writing all the time."""


@dataclass(slots=True)
class FileContent:
    """What is in the file."""

    header: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)


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
            FileDamaged: it cannot be read as what it is.
            FileNewer: a newer version wrote it.
            StateUnusable: it is a link, or not ours.
            OSError: it cannot be read.
        """
        # A link to nowhere is not "no file": it is refused by `own_file`, and not written through.
        if not os.path.lexists(self.path):
            return FileContent()
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
            raise FileDamaged(self._words("was changed since it was written"))
        version, header, entries = document.get("version"), document.get("header"), document.get("entries")
        if isinstance(version, int) and version > VERSION:
            raise FileNewer(self._words(f"was written by a newer authlens (version {version})"))
        if version != VERSION or not isinstance(header, dict) or not isinstance(entries, dict):
            raise FileDamaged(self._words("is damaged"))
        return FileContent(header, entries)

    def _words(self, what: str) -> str:
        return f"{self.path} {what}"

    @contextmanager
    def changing(self) -> Iterator[FileContent]:
        """Yield the content to change it; it is written when the block ends without an exception.

        Raises:
            FileBusy: another process was writing for all of `BUSY_SECONDS`.
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
        lock = os_lock(own_file(self.path.with_name(f"{self.path.name}.lock")))
        deadline = time.monotonic() + BUSY_SECONDS
        while not taken(lock):
            if time.monotonic() > deadline:
                raise FileBusy(self._words("is being written by another authlens"))
            time.sleep(_POLL_SECONDS)
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
