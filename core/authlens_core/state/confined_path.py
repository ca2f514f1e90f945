"""Finding a file below a folder without being led out of it.

A project may have been written by someone else, and a link in it may lead anywhere: `AGENTS.md` to
`~/.bashrc`, `.cursor` to `~/.ssh`. So a path is walked one name at a time, each in the open directory before
it, and no link is left to the system to follow. A link to another place in the same folder is followed, one
that leads out of it is refused by name, and so is one into `.git`, where git keeps what it runs.

Windows has no calls relative to an open directory. There the same walk goes by whole paths: a directory that
becomes a link between that and the use of the path is not noticed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import Final

from authlens_core.state.regular_file import is_directory, kind_of, unusable
from authlens_core.values.errors import FileUnusable
from authlens_core.values.quick_dataclass import dataclass

# O_PATH, because a directory on the way may be one that can be entered and not listed.
_DIRECTORY: Final = (
    getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
)
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0)
_MOST_LINKS: Final = 40  # as Linux has it, path_resolution(7)
# True where paths can be walked from one open directory to the next: not on Windows.
WALKS: Final = os.open in os.supports_dir_fd and bool(_NO_LINKS)


class LeadsOut(FileUnusable):
    """A link on the way leads out of the folder."""


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file that is not authlens's own, and the folder that it must not be outside of.

    Attributes:
        path: as you wrote it.
        folder: an existing directory above it; links in its own path are followed.
        instead: what to do if the file is refused, one sentence with a command that works.
    """

    path: Path
    folder: Path
    instead: str = ""

    def refused(self, cause: str, cure: str = "") -> FileUnusable:
        """Return the error for it."""
        return FileUnusable(cause, cure or self.instead)


def folder_of(path: Path, *, home: Path | None = None) -> Path:
    """Return the folder that a named file belongs to.

    It is the current directory or the repository that the file is in, whichever is nearer; else `home`; else
    the nearest directory that exists. A repository that a link leads to, out of another one of these, is not
    the one that the file is in.

    Raises:
        FileUnusable: there is no current directory.
    """
    current = current_folder()
    above = _whole(path).parents
    project = None
    for folder in above:
        if folder != current and not os.path.lexists(folder / ".git"):
            continue
        if project is None or not _is_within(project, folder):
            project = folder
    if project is not None:
        return project
    if home is not None and home in above:
        return home
    return next((folder for folder in above if is_directory(folder)), current)


def _is_within(folder: Path, outer: Path) -> bool:
    """Say whether a folder is in another one after all links are followed."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(outer))


def current_folder() -> Path:
    """Return the current directory.

    Raises:
        FileUnusable: it was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise unusable(Path(), "used", error, "Change to a directory that exists: cd") from None


def _whole(path: Path) -> Path:
    """Return the path from the root, without `..`; no link is looked at."""
    return Path(os.path.normpath(path.absolute()))


@dataclass(frozen=True, slots=True)
class Spot:
    """A name in a directory, whether or not there is a file.

    Attributes:
        directory: the descriptor of the directory; None on Windows, where `name` is the whole path.
        path: the path of the file with all links resolved, to be shown.
    """

    directory: int | None
    name: str
    path: Path

    def beside(self, name: str) -> Spot:
        """Return another name in the same directory."""
        there = name if self.directory is not None else str(Path(self.name).with_name(name))
        return Spot(self.directory, there, self.path.with_name(name))

    def status(self) -> os.stat_result | None:
        """Return what is there, a link not followed; None if nothing is."""
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None


@contextmanager
def located(
    file: UserFile, *, done: str = "written", make: bool = False, follow: bool = True
) -> Iterator[Spot | None]:
    """Yield where the file is or would be; None if a directory on the way is missing.

    Args:
        done: what the block does, for messages: `read` or `written`.
        make: true to make missing directories.
        follow: false to yield the name of a link itself, and not what it leads to.

    Raises:
        LeadsOut: a link on the way leads out of the folder.
        FileUnusable: another kind of file is on the way, or the block or the walk failed with an `OSError`.
    """
    walk: _Walk | None = None
    try:
        parts = _whole(file.path).relative_to(_whole(file.folder)).parts
        walk = _Walk(file, parts, make=make, follow=follow)
        yield walk.spot()
    except (OSError, ValueError) as error:
        raise unusable(file.path, done, error, file.instead) from None
    finally:
        if walk is not None:
            walk.close()


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that was met on the way."""

    path: Path
    target: PurePath

    def __str__(self) -> str:
        return f"{self.path} is a link to {self.target}"


class _Walk:
    """One way from the folder to the file."""

    def __init__(self, file: UserFile, parts: tuple[str, ...], *, make: bool, follow: bool) -> None:
        self._file, self._make, self._follow = file, make, follow
        # In the user's own form: relative where the path was.
        self._shown = Path() if parts == file.path.parts else file.folder
        # What is still to come, the next one last: a name, and the link that it is from.
        self._ahead: list[tuple[str, _Link | None]] = [(part, None) for part in reversed(parts)]
        self._behind: list[str] = []
        self._links = 0
        self._root = os.path.realpath(file.folder)
        self._open = [os.open(self._root, _DIRECTORY)] if WALKS else []

    def close(self) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    def _here(self, name: str) -> Spot:
        path = self._shown.joinpath(*self._behind, name)
        if WALKS:
            return Spot(self._open[-1], name, path)
        return Spot(None, str(Path(self._root, *self._behind, name)), path)

    def spot(self) -> Spot | None:
        """Go there."""
        while self._ahead:
            name, link = self._ahead.pop()
            if name == os.pardir:
                self._climb(link)
                continue
            here = self._here(name)
            status = here.status()
            if link is not None:
                self._require_honest(link, name, status)
            if status is not None and stat.S_ISLNK(status.st_mode) and (self._ahead or self._follow):
                self._turn(here)
            elif not self._ahead:
                return here
            elif status is None and not self._make:
                return None
            else:
                self._enter(here, status)
        raise self._file.refused(f"{self._file.path} is a directory, not a regular file.")

    def _require_honest(self, link: _Link, name: str, status: os.stat_result | None) -> None:
        if name.casefold() == ".git":
            raise self._file.refused(f"{link}: git runs what is in .git.")
        if status is None:
            raise self._file.refused(f"{link}, which does not exist.")

    def _turn(self, here: Spot) -> None:
        """Continue where a link leads."""
        target = PurePath(os.readlink(here.name, dir_fd=here.directory))
        link = _Link(here.path, target)
        # Each link is followed here and not by the system, which would not say where it leads.
        self._links += 1
        if self._links > _MOST_LINKS:
            raise self._file.refused(f"{link}, and the links form a loop.")
        if target.is_absolute():
            plain = PurePath(os.path.normpath(target))
            if not plain.is_relative_to(self._root):
                raise self._leads_out(link)
            target = plain.relative_to(self._root)
            while self._behind:
                self._climb(link)
        self._ahead += [(part, link) for part in reversed(target.parts)]

    def _climb(self, link: _Link | None) -> None:
        if not self._behind:
            raise self._leads_out(link)
        self._behind.pop()
        if WALKS:
            os.close(self._open.pop())

    def _leads_out(self, link: _Link | None) -> LeadsOut:
        return LeadsOut(f"{link or self._file.path}, outside {self._file.folder}.", self._file.instead)

    def _enter(self, here: Spot, status: os.stat_result | None) -> None:
        if status is None:
            with suppress(FileExistsError):  # someone else made it at this moment
                os.mkdir(here.name, dir_fd=here.directory)
        elif not stat.S_ISDIR(status.st_mode):
            raise self._file.refused(f"{here.path} is {kind_of(status.st_mode)}, not a directory.")
        if WALKS:
            self._open.append(os.open(here.name, _DIRECTORY | _NO_LINKS, dir_fd=here.directory))
        # A junction of Windows is no link for lstat.
        elif os.path.normcase(os.path.realpath(here.name)) != os.path.normcase(here.name):
            raise self._file.refused(f"{here.path} leads outside {self._file.folder}.")
        self._behind.append(here.path.name)
