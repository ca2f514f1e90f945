"""The link in a file that only its owner can read, for those whose terminal lets nothing be copied."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["LinkFile"]


class LinkFile:
    """At most one file with the link of one wait; `remove()` takes it away."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._folder: Path | None = None  # where one had to be made

    def write(self, url: str, environ: Mapping[str, str]) -> Path:
        """Write `url` and return where; a second call writes afresh.

        The file is new, has mode 0600, and lies in `XDG_RUNTIME_DIR` where that is private, else in a new
        directory of its own.

        Raises:
            OSError: it could not be written.
        """
        self.remove()
        folder = _private(environ.get("XDG_RUNTIME_DIR", ""))
        if folder is None:
            folder = self._folder = Path(tempfile.mkdtemp(prefix="authlens-"))
        path = folder / f"authlens-link-{secrets.token_hex(4)}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self._path = path
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(url + "\n")
        return path

    def remove(self) -> None:
        """Remove the file, if there is one. Safe to call at any time."""
        path, folder, self._path, self._folder = self._path, self._folder, None, None
        with suppress(OSError):
            if path is not None:
                path.unlink(missing_ok=True)
        with suppress(OSError):
            if folder is not None:
                folder.rmdir()


def _private(name: str) -> Path | None:
    """Return the directory if it is ours and closed to others, as the XDG specification wants it."""
    folder = Path(name)
    if not name or not folder.is_absolute() or not hasattr(os, "getuid"):
        return None
    try:
        found = folder.lstat()
    except OSError:
        return None
    closed = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
    return folder if closed and found.st_uid == os.getuid() else None
