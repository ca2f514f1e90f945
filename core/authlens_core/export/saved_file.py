"""An export in a file: its owner's alone, never written over another one unasked, and read with a bound."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from authlens_core.errors import UsageError
from authlens_core.export.session_file import MAX_SESSION_BYTES, SessionFileRefused, read_session
from authlens_core.state import private_file
from authlens_core.trace.record import Trace


class FileUnusable(UsageError):
    """The file cannot be written or read."""


class FileExists(FileUnusable):
    """There is a file of this name already; it was left as it is."""


def named_path(text: str) -> Path:
    """Return the path that a user typed; `~` is their home.

    Raises:
        FileUnusable: it names no file.
    """
    if not text.strip() or "\0" in text:
        raise FileUnusable("That is not a file name.", "Give one, such as login.authlens.json.")
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError:
        raise FileUnusable(f"{text} names an unknown home directory.", "Give the whole path.") from None
    if not path.name or path.is_dir():
        raise FileUnusable(f"{text} is a directory.", "Add the name of a file to it.")
    return path


def write_export(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to a new file with mode 0600.

    Args:
        text: an export; it holds no secret, and is no one else's business all the same.
        force: true to replace a file of this name. What was there goes whole, and a link is
            replaced and not followed.

    Raises:
        FileExists: there is one already, and `force` is false.
        FileUnusable: it cannot be written; nothing is left behind.
    """
    data = text.encode("utf-8", "replace")
    try:
        (private_file.replace if force else private_file.create)(path, data)
    except FileExistsError:
        cause = f"{path} already exists and was not changed."
        raise FileExists(cause, "Choose another name, or allow it to be replaced.") from None
    except (OSError, ValueError) as error:
        raise _unusable(path, "written", error) from None


def open_session_file(path: Path) -> Trace:
    """Return the trace that the session file at `path` holds.

    Raises:
        SessionFileRefused: it is no session file.
        FileUnusable: it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        # O_NONBLOCK: opening a FIFO must not wait for its other end.
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SessionFileRefused(f"{path} is not a plain file.", "Choose a file that authlens saved.")
            data = file.read(MAX_SESSION_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unusable(path, "read", error) from None
    return read_session(data)


def _unusable(path: Path, done: str, error: Exception) -> FileUnusable:
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    cause = f"{path} cannot be {done}: {reason}."
    return FileUnusable(cause, "Check the name and your access to the directory.")
