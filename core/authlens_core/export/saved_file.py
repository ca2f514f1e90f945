"""An export in a file: its owner's alone, never written over another one unasked, and read with a bound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from authlens_core.export.session_file import MAX_SESSION_BYTES, read_session
from authlens_core.state import user_file
from authlens_core.state.regular_file import is_directory, read_user_path
from authlens_core.state.user_file import UserFile, folder_of
from authlens_core.trace.record import Trace
from authlens_core.values.errors import FileExists, FileUnusable

OTHERWISE: Final = "Choose another name, or allow it to be replaced."
_INSTEAD: Final = "Choose another name, in a directory that you can write to."


def typed_path(text: str) -> Path:
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
    if not path.name or is_directory(path):
        raise FileUnusable(f"{text} is a directory.", "Add the name of a file to it.")
    return path


def write_export(
    path: Path,
    text: str,
    *,
    force: bool = False,
    otherwise: str = OTHERWISE,
) -> Path:
    """Write `text` to a new file with mode 0600; return its path.

    Below the current directory or a repository, no directory on the way may be a link.

    Args:
        text: an export; it holds no secret, and is private all the same.
        force: true to replace a file of this name. What was there goes whole, and a link is
            replaced and not followed.
        otherwise: what to do where there is a file of this name.

    Raises:
        FileExists: there is one already, and `force` is false.
        FileUnusable: it cannot be written; nothing is left behind.
    """
    file = UserFile(path, folder_of(path), _INSTEAD)
    try:
        user_file.save(file, text.encode("utf-8", "replace"), over=force)
    except FileExists as error:
        raise FileExists(error.cause, otherwise) from None
    return Path(os.path.normpath(path))


def open_session_file(path: Path) -> Trace:
    """Return the trace that the session file at `path` holds.

    Raises:
        SessionFileRefused: it is not a session file.
        FileUnusable: it cannot be read, or is not a regular file.
    """
    return read_session(read_user_path(path, MAX_SESSION_BYTES))
