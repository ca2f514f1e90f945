"""Reading a file that may be anything: regular files only, at most so many bytes, and no waiting.

A FIFO has no end until someone writes to it, a device such as `/dev/zero` has none at all, and opening some
devices has effects. So what a name leads to is looked at before it is opened, and again after.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.values.errors import FileUnusable

_READING: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOCTTY", 0)
    # A name may become a FIFO after it was looked at.
    | getattr(os, "O_NONBLOCK", 0)
)
_KINDS: Final = (
    (stat.S_ISREG, "a regular file"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)
_UNITS: Final = ((1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


class RegularFile(Struct, frozen=True):
    """What a regular file held when it was read, and what the system said of it."""

    data: bytes
    status: os.stat_result


def kind_of(mode: int) -> str:
    """Return the kind of file that a mode means, such as `a FIFO`."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a special file")


def is_directory(path: Path) -> bool:
    """Return whether a directory can be seen there; `Path.is_dir` raises where you may not look."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def read_regular(
    name: str | Path,
    limit: int,
    *,
    display_path: Path | None = None,
    directory: int | None = None,
    follow: bool = True,
) -> RegularFile:
    """Return what is in a regular file.

    Args:
        limit: bytes; a file with more is refused, and not read.
        display_path: the name in messages, if `name` is only a part of it.
        directory: the descriptor of the directory that `name` is in.
        follow: false to refuse a link instead of reading what it leads to.

    Raises:
        FileNotFoundError: there is none.
        FileUnusable: it is another kind of file, too large, or cannot be read.
    """
    path = display_path or Path(name)
    try:
        _require_readable(path, os.stat(name, dir_fd=directory, follow_symlinks=follow), limit)
        flags = _READING if follow else _READING | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(name, flags, dir_fd=directory), "rb") as file:
            status = os.fstat(file.fileno())
            _require_readable(path, status, limit)
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise unusable(path, "read", error) from None
    if len(data) > limit:
        raise _too_large(path, limit)
    return RegularFile(data, status)


def read_user_path(path: Path, limit: int, *, display_path: Path | None = None, follow: bool = True) -> bytes:
    """Return what is in a regular file that a user named, as `read_regular` does.

    Raises:
        FileUnusable: there is none, it is another kind of file, too large, or cannot be read.
    """
    try:
        return read_regular(path, limit, display_path=display_path, follow=follow).data
    except FileNotFoundError as error:
        raise unusable(display_path or path, "read", error) from None


def unusable(path: Path, verb: str, error: Exception, cure: str = "") -> FileUnusable:
    """Return the error for a file that cannot be `read` or `written`."""
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return FileUnusable(
        f"{path} cannot be {verb}: {reason}.", cure or "Check the name and your access to the directory."
    )


def _require_readable(path: Path, status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileUnusable(
            f"{path} is {kind_of(status.st_mode)}, not a regular file.", "Choose another file."
        )
    if status.st_size > limit:
        raise _too_large(path, limit)


def _too_large(path: Path, limit: int) -> FileUnusable:
    size, unit = next((size, unit) for size, unit in _UNITS if limit >= size)
    return FileUnusable(f"{path} is larger than {limit // size} {unit}.", "Choose another file.")
