"""A folder that someone else wrote: what may be in the place of a file, and what must not change outside."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CANARY: Final = b"the bytes of someone else\n"
HUGE: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class HostileFolder:
    """A project, and what is beside it.

    Attributes:
        project: the current directory of the program.
        outside: a folder that has a file with a canary and an empty folder.
    """

    project: Path
    outside: Path

    @classmethod
    def below(cls, root: Path) -> HostileFolder:
        """Make both; the names of the files in them."""
        made = cls(root / "project", root / "outside")
        made.project.mkdir()
        made.folder.mkdir(parents=True)
        made.canary.write_bytes(CANARY)
        made.canary.chmod(0o640)
        return made

    @property
    def canary(self) -> Path:
        return self.outside / "canary"

    @property
    def folder(self) -> Path:
        return self.outside / "folder"


Obstacle = Callable[[HostileFolder, Path], object]


def snapshot(root: Path) -> Mapping[str, tuple[int, bytes]]:
    """Return mode and content of everything below a folder; no link is followed and nothing waited for."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = b""
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes() if status.st_size < HUGE else b"%d" % status.st_size
        found[str(path.relative_to(root))] = (status.st_mode, content)
    return found


def _socket(path: Path) -> None:
    # Its name must be short, and the folders of tests have long ones.
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(before)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE)


def _two_links(path: Path) -> None:
    other = path.with_name("other-link")
    path.symlink_to(other.name)
    other.symlink_to(path.name)


def _into_git(folder: HostileFolder, path: Path) -> None:
    hooks = folder.project / ".git" / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    path.symlink_to(hooks / "pre-commit")


def _to_a_repository(folder: HostileFolder, path: Path) -> None:
    (folder.folder / ".git").mkdir()
    path.symlink_to(folder.folder)


LINKS: Final[Mapping[str, Obstacle]] = {
    "link out": lambda folder, path: path.symlink_to(folder.canary),
    "relative link out": lambda folder, path: path.symlink_to(os.path.relpath(folder.canary, path.parent)),
    "link to a new file outside": lambda folder, path: path.symlink_to(folder.outside / "new"),
    "dangling link": lambda _, path: path.symlink_to("nothing-here"),
    "link to a device": lambda _, path: path.symlink_to("/dev/zero"),
    "link to itself": lambda _, path: path.symlink_to(path.name),
    "two links in a circle": lambda _, path: _two_links(path),
    "link into .git": _into_git,
}
AT_FILE: Final[Mapping[str, Obstacle]] = {
    **LINKS,
    "FIFO": lambda _, path: os.mkfifo(path),
    "socket": lambda _, path: _socket(path),
    "directory": lambda _, path: path.mkdir(),
    "huge file": lambda _, path: _huge(path),
}
"""What is where the file would be."""

AT_PARENT: Final[Mapping[str, Obstacle]] = {
    "directory that leads out": lambda folder, path: path.symlink_to(folder.folder),
    "directory that leads up": lambda folder, path: path.symlink_to(
        os.path.relpath(folder.folder, path.parent)
    ),
    "directory that leads to another repository": _to_a_repository,
    "dangling directory": lambda _, path: path.symlink_to("nothing-here"),
    "directory in a circle": lambda _, path: path.symlink_to(path.name),
    "file for a directory": lambda _, path: path.write_bytes(CANARY),
    "FIFO for a directory": lambda _, path: os.mkfifo(path),
    "device for a directory": lambda _, path: path.symlink_to("/dev/zero"),
}
"""What is where the directory of the file would be."""
