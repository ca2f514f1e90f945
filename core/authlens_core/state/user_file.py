"""Writing a file that is not authlens's own: in a project, of a coding agent, or an export.

What every writer here holds to:

* the file is in the folder that it belongs to (`confined_path`), and is a regular file or new;
* the new content is written beside it, under a fresh name, and renamed: a reader sees the old file or the new
  one, another name of the same file (a hard link) keeps the old content, and a link is never written through;
* right before the rename the file is looked at again: what changed since it was read is not overwritten. Two
  writers in the same microsecond are not kept apart, because no call compares and renames at once;
* a new file has the mode that the umask leaves, a replaced one the mode and owner that it had.

`private_file` is for files of authlens's own.
"""

from __future__ import annotations

import os
import secrets
import shlex
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Final

from authlens_core.state import private_file
from authlens_core.state.confined_path import Spot, UserFile, located
from authlens_core.state.regular_file import RegularFile, kind_of, read_regular
from authlens_core.values.errors import FileExists, FileUnusable
from authlens_core.values.quick_dataclass import dataclass


@contextmanager
def draft_beside(
    spot: Spot, data: bytes, *, mode: int | None = None, like: os.stat_result | None = None
) -> Iterator[Spot]:
    """Write `data` under a fresh name beside the file; that name is gone at the end of the block.

    Args:
        mode: of a new file; None for what the umask leaves.
        like: of the file that is replaced: the draft gets its mode and its owner.

    Raises:
        OSError: it cannot be written.
    """
    draft = spot.beside(f".authlens-{secrets.token_hex(8)}")
    mode = mode if like is None else like.st_mode & 0o777
    private_file.create(draft.name, data, mode=mode, owner=like, directory=draft.directory)
    try:
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


def _flush_directory(spot: Spot) -> None:
    if spot.directory is not None:
        private_file.flush_directory(".", directory=spot.directory)


BACKUP_SUFFIX: Final = ".authlens-backup"
# Bytes; some agents keep their history in the file that has their servers.
LARGEST: Final = 16 * 1024 * 1024
_MOST_BACKUPS: Final = 99


class FileChanged(FileUnusable):
    """Another program changed the file after it was read; it was left as it is."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a file held when it was read.

    Attributes:
        path: the file, with all links resolved.
    """

    path: Path
    data: bytes
    status: os.stat_result

    @property
    def text(self) -> str:
        """The content as text.

        Raises:
            FileUnusable: it is not UTF-8.
        """
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            raise FileUnusable(f"{self.path} is not UTF-8.", "Convert it to UTF-8, then try again.") from None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        path: the file, with all links resolved.
        backup: the copy of the file before, or None where there was none.
    """

    path: Path
    backup: Path | None = None


def read(file: UserFile) -> Version | None:
    """Return what the file holds, or None where there is none.

    Raises:
        FileUnusable: it cannot be read, or is not a file that may be.
    """
    with located(file, done="read") as spot:
        return None if spot is None else _version(file, spot)


def write(file: UserFile, data: bytes, before: Version | None, *, backup: bool = False) -> Written:
    """Write the file that was read as `before`, and the directories that it needs.

    Args:
        before: None if there was no file.
        backup: true to leave a copy of the file before beside it.

    Raises:
        FileChanged: the file is not what was read any more.
        FileUnusable: it cannot be written; it is as it was.
    """
    with located(file, make=True) as reached:
        spot = _required(file, reached)
        if before is not None:
            _require_writable(file, spot, before.status)
        with draft_beside(spot, data, like=None if before is None else before.status) as draft:
            copy = _back_up(file, spot, before) if backup and before is not None else None
            _look_again(file, spot, before)
            _put(file, draft, spot, over=before is not None)
        return Written(spot.path, copy)


def remove(file: UserFile, before: Version) -> None:
    """Remove the file that was read as `before`.

    Raises:
        FileChanged: the file is not what was read any more.
        FileUnusable: it cannot be removed; it is as it was.
    """
    with located(file) as reached:
        spot = _required(file, reached)
        _require_writable(file, spot, before.status)
        _look_again(file, spot, before)
        os.unlink(spot.name, dir_fd=spot.directory)


def save(file: UserFile, data: bytes, *, over: bool) -> Path:
    """Write a file that only you can read, in a directory that exists; return its path.

    Args:
        over: true to replace a file of this name, or a link: the link is replaced, and not followed.

    Raises:
        FileExists: there is one already, and `over` is false.
        FileUnusable: it cannot be written; nothing is left behind.
    """
    with located(file, follow=False) as reached:
        spot = _required(file, reached)
        _require_free(file, spot, over=over)
        with draft_beside(spot, data, mode=private_file.PRIVATE) as draft:
            _require_free(file, spot, over=over)
            _put(file, draft, spot, over=over)
        return spot.path


def has_backup(file: UserFile, matches: Callable[[bytes], bool]) -> bool:
    """Say whether one of the backups beside the file `matches`; what is no regular file does not count."""
    with located(file) as spot:
        for backup in _backups(spot):
            with suppress(FileUnusable, FileNotFoundError):
                if matches(_content(backup).data):
                    return True
    return False


def remove_backups(file: UserFile) -> None:
    """Remove the backups beside the file; what is no regular file stays."""
    with located(file) as spot:
        for backup in list(_backups(spot)):
            status = backup.status()
            if status is not None and stat.S_ISREG(status.st_mode):
                os.unlink(backup.name, dir_fd=backup.directory)


def _content(spot: Spot) -> RegularFile:
    return read_regular(spot.name, LARGEST, shown=spot.path, directory=spot.directory, follow=False)


def _version(file: UserFile, spot: Spot) -> Version | None:
    try:
        content = _content(spot)
        return Version(spot.path, content.data, content.status)
    except FileNotFoundError:
        return None
    except FileUnusable as error:
        raise file.refused(error.cause) from None


def _required(file: UserFile, spot: Spot | None) -> Spot:
    if spot is None:
        raise file.refused(f"{file.path} cannot be written: its directory does not exist.")
    return spot


def _require_writable(file: UserFile, spot: Spot, status: os.stat_result) -> None:
    """Refuse a file that is read-only: a rename would replace it, whatever its mode."""
    if not status.st_mode & stat.S_IWUSR:
        raise file.refused(f"{spot.path} is read-only.", f"Run: chmod u+w {shlex.quote(str(spot.path))}")
    # Root can give the new file the owner of the old one, no other account can.
    if os.name != "nt" and os.geteuid() not in (0, status.st_uid):
        raise file.refused(f"{spot.path} belongs to another account.")


def _require_free(file: UserFile, spot: Spot, *, over: bool) -> None:
    status = spot.status()
    if status is None:
        return
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise file.refused(f"{spot.path} is {kind_of(status.st_mode)}, not a regular file.")
    if not over:
        raise _exists(file, spot)
    if stat.S_ISREG(status.st_mode):
        _require_writable(file, spot, status)


def _look_again(file: UserFile, spot: Spot, before: Version | None) -> None:
    # The last moment before the rename: since it was read, a user or an agent may have saved the file.
    now = _version(file, spot)
    if _identity(now) != _identity(before):
        cause = f"{spot.path} was changed by another program meanwhile, and was left as it is."
        raise FileChanged(cause, "Run the same command again.")


def _identity(version: Version | None) -> tuple[object, ...]:
    if version is None:
        return ()
    status = version.status
    return version.data, status.st_dev, status.st_ino, status.st_mode, status.st_mtime_ns


def _put(file: UserFile, draft: Spot, spot: Spot, *, over: bool) -> None:
    try:
        (put_over if over else put_new)(draft, spot)
    except FileExistsError:
        raise _exists(file, spot) from None


def _exists(file: UserFile, spot: Spot) -> FileExists:
    return FileExists(f"{spot.path} already exists and was not changed.", file.instead)


def _backup_spots(spot: Spot) -> Iterator[Spot]:
    name = f"{spot.path.name}{BACKUP_SUFFIX}"
    yield spot.beside(name)
    yield from (spot.beside(f"{name}-{number}") for number in range(2, _MOST_BACKUPS + 1))


def _backups(spot: Spot | None) -> Iterator[Spot]:
    """Yield the backups that are there, up to the first name that is free."""
    return takewhile(lambda backup: backup.status() is not None, () if spot is None else _backup_spots(spot))


def _back_up(file: UserFile, spot: Spot, before: Version) -> Path:
    """Copy what was read to the first backup name that is free, or that holds the same already."""
    for backup in _backup_spots(spot):
        if backup.status() is not None:
            with suppress(FileUnusable, FileNotFoundError):
                if _content(backup).data == before.data:
                    return backup.path
            continue
        with draft_beside(backup, before.data, like=before.status) as draft:
            try:
                put_new(draft, backup)
            except FileExistsError:
                continue
        return backup.path
    pattern = spot.path.with_name(f"{spot.path.name}{BACKUP_SUFFIX}")
    raise file.refused(
        f"{spot.path} has {_MOST_BACKUPS} backups.", f"Remove those that you do not need: {pattern}*"
    )
