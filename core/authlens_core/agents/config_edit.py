"""One server in the file of an agent: added, replaced, removed; a backup of the file stays beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from authlens_core.agents.agent import Agent, ConfigFormat
from authlens_core.agents.json_edit import member_at, with_member, without_member
from authlens_core.agents.json_spans import JsonSpanError
from authlens_core.agents.toml_edit import TomlEditError, table_at, with_table, without_table
from authlens_core.state import user_file
from authlens_core.state.confined_path import UserFile
from authlens_core.state.user_file import Version
from authlens_core.values.errors import UsageError
from authlens_core.values.quick_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class EditResult:
    """What happened to the file.

    Attributes:
        path: the file, with all links resolved.
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

    def __init__(self, agent: Agent, file: UserFile) -> None:
        self._servers = agent.path
        self._at, self._with, self._without = _EDITS[agent.format]
        self._file = file
        self.path = file.path

    def entry(self, name: str) -> Any:
        """Return what the file has for a server, or None.

        Raises:
            UsageError: the file cannot be read.
        """
        return self._entry(user_file.read(self._file), name)

    def write(self, name: str, entry: Mapping[str, Any]) -> EditResult:
        """Put a server into the file.

        Raises:
            UsageError: the file cannot be read or written.
        """
        before = user_file.read(self._file)
        with self._editing():
            after = self._with("" if before is None else before.text, (*self._servers, name), entry)
        # Asked of the value, not of the bytes: a file with other white space is as wanted, too.
        if before is not None and self._entry(before, name) == entry:
            return EditResult(before.path, False)
        written = user_file.write(self._file, after.encode(), before, backup=True)
        return EditResult(written.path, True, written.backup)

    def remove(self, name: str) -> EditResult:
        """Take a server out of the file.

        Raises:
            UsageError: the file cannot be read or written.
        """
        before = user_file.read(self._file)
        if before is None or self._entry(before, name) is None:
            return EditResult(self.path if before is None else before.path, False)
        with self._editing():
            after = self._without(before.text, (*self._servers, name)).encode()
        # A file that was there without a server in it stays when the last server goes.
        if _is_blank(after) and not user_file.has_backup(self._file, _is_blank):
            removed = user_file.remove(self._file, before)
            return EditResult(removed.path, True, removed.backup, removed_file=True)
        written = user_file.write(self._file, after, before, backup=True)
        return EditResult(written.path, True, written.backup)

    def _entry(self, version: Version | None, name: str) -> Any:
        with self._editing():
            return None if version is None else self._at(version.text, (*self._servers, name))

    @contextmanager
    def _editing(self) -> Iterator[None]:
        try:
            yield
        except (JsonSpanError, TomlEditError) as error:
            raise UsageError(
                f"{self.path} cannot be edited: {error!s}.",
                "Correct the file, or add the server by hand: run without --write to see what to add.",
            ) from None


def _is_blank(data: bytes) -> bool:
    return not data.decode("utf-8", "replace").strip("\ufeff \t\r\n")
