"""One server in the file of an agent: added, replaced, removed; a backup of the file stays beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from authlens_core.agents.agent import Agent, ConfigFormat
from authlens_core.agents.json_edit import member_at, with_member, without_member
from authlens_core.agents.json_spans import JsonSpanError
from authlens_core.agents.toml_edit import TomlEditError, table_at, with_table, without_table
from authlens_core.errors import UsageError
from authlens_core.quick_dataclass import dataclass

BACKUP_SUFFIX: Final = ".authlens-backup"
# Bytes; some agents keep their history in the same file.
_LARGEST: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EditResult:
    """What happened to the file.

    Attributes:
        changed: false where it was already as wanted.
        backup: the copy of the file before, or None where there was none.
        removed_file: true where nothing was left of it.
    """

    path: Path
    changed: bool
    backup: Path | None = None
    removed_file: bool = False


# What reads a server in a file of each format, adds one, and removes one.
_EDITS: Final = {
    ConfigFormat.JSON: (member_at, with_member, without_member),
    ConfigFormat.TOML: (table_at, with_table, without_table),
}


def rendered(agent: Agent, name: str, entry: Mapping[str, Any]) -> str:
    """Return what a file with this server alone looks like."""
    return _EDITS[agent.format][1]("", (*agent.path, name), entry)


class ConfigFile:
    """The file of an agent."""

    def __init__(self, agent: Agent, path: Path) -> None:
        self._servers = agent.path
        self._at, self._with, self._without = _EDITS[agent.format]
        self.path = path

    def entry(self, name: str) -> Any:
        """Return what the file has for a server, or None.

        Raises:
            UsageError: the file cannot be read.
        """
        return self._entry(self._read(), name)

    def write(self, name: str, entry: Mapping[str, Any]) -> EditResult:
        """Put a server into the file.

        Raises:
            UsageError: the file cannot be read or written.
        """
        before = self._read()
        with self._editing():
            after = self._with(before or "", (*self._servers, name), entry)
        if self._entry(before, name) == entry:
            return EditResult(self.path, False)
        return self._replace(before, after)

    def remove(self, name: str) -> EditResult:
        """Take a server out of the file.

        Raises:
            UsageError: the file cannot be read or written.
        """
        before = self._read()
        if before is None or self._entry(before, name) is None:
            return EditResult(self.path, False)
        with self._editing():
            after = self._without(before, (*self._servers, name))
        return self._replace(before, after)

    def _entry(self, text: str | None, name: str) -> Any:
        with self._editing():
            return None if text is None else self._at(text, (*self._servers, name))

    @contextmanager
    def _editing(self) -> Iterator[None]:
        try:
            yield
        except (JsonSpanError, TomlEditError) as error:
            raise UsageError(
                f"{self.path} cannot be edited: {error!s}.",
                "Correct the file, or add the server by hand: run without --write to see what to add.",
            ) from None

    def _read(self) -> str | None:
        try:
            if self.path.stat().st_size > _LARGEST:
                raise UsageError(f"{self.path} is too large for a configuration file.")
            return self.path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise self._trouble("read", error) from None

    def _replace(self, before: str | None, after: str) -> EditResult:
        """Write the new file whole or not at all; a link to it stays a link."""
        # Dotfiles are often links into a repository: the link stays, and the file behind it is replaced.
        target = self.path.resolve()
        backup = target.with_name(target.name + BACKUP_SUFFIX)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = target.stat().st_mode & 0o777 if before is not None else 0o644
            # A file that was there without a server in it stays when the last server goes.
            was_blank = backup.exists() and _is_blank(backup.read_text("utf-8"))
            if before is not None:
                _write_whole(backup, before, mode)
            if _is_blank(after) and not was_blank:
                target.unlink()
                return EditResult(self.path, True, backup, removed_file=True)
            _write_whole(target, after, mode)
        except OSError as error:
            raise self._trouble("written", error) from None
        return EditResult(self.path, True, backup if before is not None else None)

    def _trouble(self, doing: str, error: Exception) -> UsageError:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return UsageError(f"{self.path} cannot be {doing}: {reason or ''}.")


def _is_blank(text: str) -> bool:
    return not text.strip("\ufeff \t\r\n")


def _write_whole(path: Path, text: str, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
