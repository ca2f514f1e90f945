"""Writing a file that is not authlens's own: in a project, or an export.

A project may have been written by someone else, and a link in it may lead anywhere: `AGENTS.md` to
`~/.bashrc`. So from the folder on, each directory is opened from the one before, and no link is followed. The
new content is written beside the file and renamed: a reader sees the old file or the new one. Right before
that the file is looked at again, and what changed since it was read is left as it is.

Windows has no calls relative to an open directory: a directory that becomes a link meanwhile is not noticed.
"""

from __future__ import annotations

import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from authlens_core.state import private_file
from authlens_core.state.regular_file import kind_of, read_regular, unusable
from authlens_core.values.errors import FileExists, FileUnusable

LARGEST: Final = 16 * 1024 * 1024  # bytes
# O_PATH, because a directory on the way may be one that can be entered and not listed.
_DIRECTORY: Final = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)
# True where paths can be walked from one open directory to the next: not on Windows.
WALKS: Final = os.open in os.supports_dir_fd and bool(_NO_LINKS)


class UserFile(Struct, frozen=True):
    """A file that is not authlens's own.

    Attributes:
        path: as the user wrote it.
        folder: an existing directory above it; below it no link is followed.
        instead: what to do if the file is refused, one sentence with a command that works.
    """

    path: Path
    folder: Path
    instead: str = ""

    def refused(self, cause: str, cure: str = "") -> FileUnusable:
        """Return the error for it."""
        return FileUnusable(cause, cure or self.instead)


class Version(Struct, frozen=True):
    """What a file held when it was read."""

    data: bytes
    status: os.stat_result


class _Spot(Struct, frozen=True):
    """A name in a directory: its descriptor, or None on Windows, where the name is a whole path."""

    directory: int | None
    name: str

    def beside(self, name: str) -> _Spot:
        there = name if self.directory is not None else str(Path(self.name).with_name(name))
        return _Spot(self.directory, there)

    def status(self) -> os.stat_result | None:
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None


def current_folder() -> Path:
    """Return the current directory.

    Raises:
        FileUnusable: it was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise unusable(Path(), "used", error, "Change to a directory that exists: cd") from None


def folder_of(path: Path) -> Path:
    """Return the folder below which no link may lead to a file that a user named.

    It is the outermost one above the file that is the current directory or a repository; if there is none,
    the directory that the user named.
    """
    current = current_folder()
    above = _whole(path).parents
    owned = (folder for folder in reversed(above) if folder == current or os.path.lexists(folder / ".git"))
    return next(owned, above[0])


def read(file: UserFile) -> Version | None:
    """Return what the file holds, or None if it does not exist.

    Raises:
        FileUnusable: it cannot be read, or a link leads to it.
    """
    with _at(file, "read") as spot:
        return None if spot is None else _version(file, spot)


def write(file: UserFile, data: bytes, before: Version | None) -> None:
    """Write the file that was read as `before`, and the directories that it needs.

    A new file has the mode that the umask leaves, a replaced one the mode and owner that it had.

    Args:
        before: None if there was no file.

    Raises:
        FileUnusable: it cannot be written, or is not what was read any more; it is as it was.
    """
    with _at(file, "written", make=True) as location:
        spot = _required(file, location)
        if before is not None:
            _require_writable(file, before.status)
        with _draft_beside(spot, data, like=None if before is None else before.status) as draft:
            # The last moment before the rename: since it was read, a user or an agent may have saved it.
            if _identity(_version(file, spot)) != _identity(before):
                cause = f"{file.path} was changed by another program meanwhile, and was left as it is."
                raise file.refused(cause, "Run the same command again.")
            _put(file, draft, spot, over=before is not None)


def save(file: UserFile, data: bytes, *, over: bool) -> None:
    """Write a file that only you can read, in a directory that exists.

    Args:
        over: true to replace a file of this name, or a link: the link is replaced, and not followed.

    Raises:
        FileExists: there is one already, and `over` is false.
        FileUnusable: it cannot be written; nothing is left behind.
    """
    with _at(file, "written") as location:
        spot = _required(file, location)
        _require_free(file, spot, over=over)
        with _draft_beside(spot, data, mode=private_file.PRIVATE) as draft:
            _require_free(file, spot, over=over)
            _put(file, draft, spot, over=over)


def _whole(path: Path) -> Path:
    """Return the path from the root, without `..`; no link is looked at."""
    return Path(os.path.normpath(path.absolute()))


@contextmanager
def _at(file: UserFile, verb: str, *, make: bool = False) -> Iterator[_Spot | None]:
    """Yield the place of the file, None if a directory on the way is missing.

    An error of the system in the block is one of the file.

    Args:
        verb: what the block does, for messages: `read` or `written`.
        make: true to make missing directories.
    """
    opened: list[int] = []
    try:
        *directories, name = _whole(file.path).relative_to(_whole(file.folder)).parts
        here = Path(os.path.realpath(file.folder))
        if WALKS:
            opened.append(os.open(here, _DIRECTORY))
        for directory in directories:
            here /= directory
            spot = _Spot(opened[-1], directory) if WALKS else _Spot(None, str(here))
            if not _is_passable(file, spot, here, make=make):
                yield None
                return
            if WALKS:
                opened.append(os.open(directory, _DIRECTORY | _NO_LINKS, dir_fd=opened[-1]))
        yield _Spot(opened[-1], name) if WALKS else _Spot(None, str(here / name))
    except (OSError, ValueError) as error:
        raise unusable(file.path, verb, error, file.instead) from None
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _required(file: UserFile, spot: _Spot | None) -> _Spot:
    if spot is None:
        raise file.refused(f"{file.path} cannot be written: its directory does not exist.")
    return spot


def _is_passable(file: UserFile, spot: _Spot, path: Path, *, make: bool) -> bool:
    """Return whether a directory on the way is there; it must be one, and no link."""
    if make:
        with suppress(FileExistsError):
            os.mkdir(spot.name, dir_fd=spot.directory)
    status = spot.status()
    if status is None:
        return False
    _require_no_link(file, spot, status, path)
    if not stat.S_ISDIR(status.st_mode):
        raise file.refused(f"{path} is {kind_of(status.st_mode)}, not a directory.")
    # To lstat, a junction of Windows is not a link.
    if not WALKS and os.path.normcase(os.path.realpath(path)) != os.path.normcase(path):
        raise file.refused(f"{path} leads to another folder.")
    return True


def _require_no_link(file: UserFile, spot: _Spot, status: os.stat_result, path: Path) -> None:
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(spot.name, dir_fd=spot.directory)
        raise file.refused(f"{path} is a link to {target}, and authlens writes through no link.")


def _version(file: UserFile, spot: _Spot) -> Version | None:
    status = spot.status()
    if status is None:
        return None
    _require_no_link(file, spot, status, file.path)
    try:
        content = read_regular(
            spot.name, LARGEST, display_path=file.path, directory=spot.directory, follow=False
        )
    except FileNotFoundError:
        return None
    except FileUnusable as error:
        raise file.refused(error.cause) from None
    return Version(content.data, content.status)


def _identity(version: Version | None) -> tuple[object, ...]:
    if version is None:
        return ()
    status = version.status
    return version.data, status.st_dev, status.st_ino, status.st_mode, status.st_mtime_ns


def _require_writable(file: UserFile, status: os.stat_result) -> None:
    """Refuse a file that is read-only: a rename would replace it, whatever its mode."""
    if not status.st_mode & stat.S_IWUSR:
        raise file.refused(f"{file.path} is read-only.", f"Run: chmod u+w {shlex.quote(str(file.path))}")
    # Root can give the new file the owner of the old one, no other account can.
    if os.name != "nt" and os.geteuid() not in (0, status.st_uid):
        raise file.refused(f"{file.path} belongs to another account.")


def _require_free(file: UserFile, spot: _Spot, *, over: bool) -> None:
    status = spot.status()
    if status is None:
        return
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        raise file.refused(f"{file.path} is {kind_of(status.st_mode)}, not a regular file.")
    if not over:
        raise _exists(file)
    if stat.S_ISREG(status.st_mode):
        _require_writable(file, status)


@contextmanager
def _draft_beside(
    spot: _Spot, data: bytes, *, mode: int | None = None, like: os.stat_result | None = None
) -> Iterator[_Spot]:
    """Write `data` under a fresh name beside the file; that name is gone at the end of the block."""
    draft = spot.beside(f".authlens-{secrets.token_hex(8)}")
    mode = mode if like is None else like.st_mode & 0o777
    private_file.create(draft.name, data, mode=mode, owner=like, directory=draft.directory)
    try:
        yield draft
    finally:
        with suppress(OSError):
            os.unlink(draft.name, dir_fd=draft.directory)


def _put(file: UserFile, draft: _Spot, spot: _Spot, *, over: bool) -> None:
    try:
        if over or not _linked(draft, spot):
            os.replace(draft.name, spot.name, src_dir_fd=draft.directory, dst_dir_fd=spot.directory)
    except FileExistsError:
        raise _exists(file) from None
    if spot.directory is not None:
        private_file.flush_directory(".", directory=spot.directory)


def _linked(draft: _Spot, spot: _Spot) -> bool:
    """Give the draft a second name, because a rename would replace a file that appeared at this moment.

    Returns:
        False where the file system has no hard links, as FAT, and nothing has the name.
    """
    try:
        os.link(draft.name, spot.name, src_dir_fd=draft.directory, dst_dir_fd=spot.directory)
    except FileExistsError:
        raise
    except OSError:
        if spot.status() is not None:
            raise
        return False
    return True


def _exists(file: UserFile) -> FileExists:
    return FileExists(f"{file.path} already exists and was not changed.", file.instead)
