"""New content written beside a file under a fresh name, which then gets the name of the file.

A reader sees the old file or the new one, and never a part. A link of that name is replaced and not written
through, and another name of the same file (a hard link) keeps the old content.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from authlens_core.state.confined_path import Spot

PRIVATE: Final = 0o600
BY_UMASK: Final = 0o666
_NEW: Final = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


@contextmanager
def draft_beside(spot: Spot, data: bytes, mode: int, *, like: os.stat_result | None = None) -> Iterator[Spot]:
    """Write `data` under a fresh name beside the file; that name is gone at the end of the block.

    Args:
        mode: of a new file; the umask takes its part of it.
        like: of the file that is replaced: the draft gets its mode and its owner.

    Raises:
        OSError: it cannot be written.
    """
    draft = spot.beside(f".authlens-{secrets.token_hex(8)}")
    descriptor = os.open(draft.name, _NEW, mode if like is None else PRIVATE, dir_fd=draft.directory)
    try:
        _fill(descriptor, data, like)
        yield draft
    finally:
        with suppress(OSError):
            os.unlink(draft.name, dir_fd=draft.directory)


def put_over(draft: Spot, spot: Spot) -> None:
    """Let the draft replace what has the name of `spot`.

    Raises:
        OSError: it cannot; both are as they were.
    """
    os.replace(draft.name, spot.name, src_dir_fd=draft.directory, dst_dir_fd=spot.directory)
    _flush_directory(spot)


def put_new(draft: Spot, spot: Spot) -> None:
    """Give the draft the name of `spot`, which nothing has yet.

    Raises:
        FileExistsError: something has it.
        OSError: it cannot have it.
    """
    try:
        if os.name == "nt":
            Path(draft.name).rename(spot.name)  # there it replaces nothing
        else:
            # A second name, because rename would replace a file that appeared at this moment.
            os.link(draft.name, spot.name, src_dir_fd=draft.directory, dst_dir_fd=spot.directory)
    except FileExistsError:
        raise
    except OSError:  # FAT has no hard links
        if spot.status() is not None:
            raise
        os.replace(draft.name, spot.name, src_dir_fd=draft.directory, dst_dir_fd=spot.directory)
    _flush_directory(spot)


def _fill(descriptor: int, data: bytes, like: os.stat_result | None) -> None:
    with os.fdopen(descriptor, "wb") as file:
        if like is not None and os.name != "nt":
            if like.st_uid != os.geteuid():
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, like.st_mode & 0o777)
        file.write(data)
        file.flush()
        # Before the rename: file systems may store the new name earlier than the data.
        os.fsync(descriptor)


def _flush_directory(spot: Spot) -> None:
    """Make the new name survive a power cut; some file systems refuse it."""
    if spot.directory is not None:
        with suppress(OSError):
            descriptor = os.open(".", os.O_RDONLY, dir_fd=spot.directory)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
