"""The files that a name being typed may mean: session files, and directories on the way to them."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.safe_text import safe_line

_SUFFIX: Final = ".json"
_LOOKED_AT: Final = 5_000  # entries of a directory
_OFFERED: Final = 50  # names


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file, or a directory with a slash at its end; its name begins with the directory that was typed."""

    name: str
    is_directory: bool


def found_files(typed: str) -> tuple[FoundFile, ...]:
    """Return what starts as `typed`: session files, the newest first, then directories and the one above.

    Nothing is returned for a directory that cannot be read. Hidden names have to be typed with their dot.
    """
    head, slash, start = typed.rpartition("/")
    directory = f"{head}{slash}"
    files: list[tuple[float, str]] = []
    directories: list[str] = []
    with (
        suppress(OSError, ValueError, RuntimeError),
        os.scandir(Path(directory or ".").expanduser()) as entries,
    ):
        for entry in islice(entries, _LOOKED_AT):
            is_hidden = entry.name.startswith(".") and not start
            # A name with control characters could not be shown as it is, and so not be typed either.
            if is_hidden or not entry.name.startswith(start) or safe_line(entry.name) != entry.name:
                continue
            with suppress(OSError):
                if entry.is_dir():
                    directories.append(f"{directory}{entry.name}/")
                elif entry.name.endswith(_SUFFIX):
                    files.append((entry.stat().st_mtime, f"{directory}{entry.name}"))
        if not start:
            directories = [*sorted(directories), f"{directory}../"]
    newest = [FoundFile(name, is_directory=False) for _, name in sorted(files, reverse=True)]
    return (*newest, *(FoundFile(name, is_directory=True) for name in directories))[:_OFFERED]
