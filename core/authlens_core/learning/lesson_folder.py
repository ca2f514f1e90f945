"""The files of a lesson, read from a folder that anyone may have written: plain text, few and small."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from authlens_core.learning.strict_file import line_and_column
from authlens_core.state.regular_file import read_named
from authlens_core.values.errors import FileUnusable, LessonRefused
from authlens_core.values.quick_dataclass import dataclass

MOST_FILES: Final = 64
LARGEST_FILE: Final = 256 * 1024  # bytes
LARGEST_FOLDER: Final = 2 * 1024 * 1024  # bytes
_KINDS: Final = frozenset({".toml", ".md", ".json"})


@dataclass(frozen=True, slots=True)
class LessonFolder:
    """A folder, read.

    Attributes:
        name: its own name, for messages.
        texts: the text of each file, by name.
        digest: of all of them, `sha256:` and hexadecimal.
    """

    name: str
    texts: Mapping[str, str] = field(repr=False)
    digest: str

    def place(self, file: str) -> str:
        """Return what a message calls a file of it."""
        return f"{self.name}/{file}"

    def text(self, file: str) -> str:
        """Return the text of a file.

        Raises:
            LessonRefused: there is none.
        """
        if file not in self.texts:
            raise LessonRefused(f"{self.place(file)}:1:1: the file is missing")
        return self.texts[file]


def read_folder(folder: Path) -> LessonFolder:
    """Return the files of a lesson.

    Raises:
        LessonRefused: it is no folder of regular files, or one is too large, or no plain UTF-8.
    """
    try:
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        raise LessonRefused(f"{folder.name}:1:1: {error.strerror}") from None
    if len(found) > MOST_FILES:
        raise LessonRefused(f"{folder.name}:1:1: {len(found)} files, and a lesson has {MOST_FILES} at most")
    texts, total, digest = {}, 0, hashlib.sha256()
    for name, status in found:
        place = f"{folder.name}/{name}:1:1"
        if not stat.S_ISREG(status.st_mode) or Path(name).suffix not in _KINDS:
            raise LessonRefused(f"{place}: a lesson has regular files only: .toml, .md and .json")
        try:  # a link, or a device, may have replaced the file meanwhile
            data = read_named(folder / name, LARGEST_FILE, shown=Path("The file"), follow=False)
        except FileUnusable as error:
            raise LessonRefused(f"{place}: {error.cause}") from None
        total += len(data)
        if total > LARGEST_FOLDER:
            raise LessonRefused(f"{place}: the folder has more than {LARGEST_FOLDER // 1024} KiB")
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
        texts[name] = _text(data, f"{folder.name}/{name}")
    return LessonFolder(folder.name, texts, f"sha256:{digest.hexdigest()}")


def _text(data: bytes, file: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise LessonRefused(f"{file}:{line_and_column(before)}: not UTF-8") from None
    for at, character in enumerate(text):
        if character != "\n" and not character.isprintable():
            code = f"U+{ord(character):04X}"
            raise LessonRefused(f"{file}:{line_and_column(text[:at])}: the character {code} is not allowed")
    return text
