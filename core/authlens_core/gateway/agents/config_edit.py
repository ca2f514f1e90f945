"""One server in the file of an agent: added, changed and removed. Meanwhile a copy of the file stays.

A file of YAML is not edited, because no library leaves the rest of it as it was: there is text to be pasted.

"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from authlens_core.gateway.agents.agent import Agent, ConfigFormat
from authlens_core.gateway.agents.json_edit import JsonSpanError, member_at, with_member, without_member
from authlens_core.gateway.agents.toml_edit import (
    TomlEditError,
    table_at,
    with_table,
    with_value,
    without_table,
)
from authlens_core.state import user_file
from authlens_core.state.confined_path import UserFile
from authlens_core.values.errors import UsageError
from authlens_core.values.quick_dataclass import dataclass


def yaml_text(path: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return a mapping below the keys of a path. Its values are JSON, which YAML 1.2 §1.3 has as a part."""
    lines = [f"{'  ' * depth}{_word(key)}:" for depth, key in enumerate(path)]
    lines += [f"{'  ' * len(path)}{_word(key)}: {_json(item)}" for key, item in value.items()]
    return "\n".join((*lines, ""))


def _word(key: str) -> str:
    return key if key.isascii() and key.isalpha() else _json(key)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


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


@dataclass(frozen=True, slots=True)
class _Grammar:
    """What reads a value in a text of a format, adds one, changes one, and removes one."""

    at: Callable[[str, Sequence[str]], Any]
    added: Callable[[str, Sequence[str], Mapping[str, Any]], str]
    changed: Callable[[str, Sequence[str], Any], str]
    removed: Callable[[str, Sequence[str]], str]


GRAMMARS: Final = {
    ConfigFormat.JSON: _Grammar(member_at, with_member, with_member, without_member),
    ConfigFormat.TOML: _Grammar(table_at, with_table, with_value, without_table),
}


def rendered(agent: Agent, name: str, entry: Mapping[str, Any]) -> str:
    """Return what a file with this server alone looks like."""
    path = (*agent.path, name)
    grammar = GRAMMARS.get(agent.format)
    return yaml_text(path, entry) if grammar is None else grammar.added("", path, entry)


class ConfigFile:
    """The file of an agent, in a format that can be edited.

    Every edit is read again: only the server may differ from what was there.
    """

    def __init__(self, agent: Agent, file: UserFile) -> None:
        self._servers = agent.path
        self._grammar = GRAMMARS[agent.format]
        self._file = file
        self.path = file.path

    def servers(self) -> Mapping[str, Any]:
        """Return what the file has for each server.

        Raises:
            UsageError: the file cannot be read.
        """
        # Read at each call: the agent writes the same file while it runs.
        version = user_file.read(self._file)
        with self._editing():
            servers = None if version is None else self._grammar.at(version.text, self._servers)
        return servers if isinstance(servers, Mapping) else {}

    def add(self, name: str, entry: Mapping[str, Any]) -> EditResult:
        """Add a server that the file has not.

        Raises:
            UsageError: the file cannot be read or written.
        """
        path = (*self._servers, name)
        return self._write(path, lambda text: self._grammar.added(text, path, entry), entry)

    def change(self, name: str, entry: Mapping[str, Any], members: Mapping[str, Any]) -> EditResult:
        """Change members of a server that the file has; the others stay.

        Args:
            entry: what the file has for it.

        Raises:
            UsageError: the file cannot be read or written.
        """
        path = (*self._servers, name)
        changes = {key: value for key, value in members.items() if entry.get(key) != value}

        def changed(text: str) -> str:
            for key, value in changes.items():
                text = self._grammar.changed(text, (*path, key), value)
            return text

        return self._write(path, changed, {**entry, **changes})

    def remove(self, name: str, *, last: bool) -> EditResult:
        """Take a server out of the file.

        Args:
            last: whether it is the last one of authlens's, so that the copies of the file go with it.

        Raises:
            UsageError: the file cannot be read or written.
        """
        path = (*self._servers, name)
        before = user_file.read(self._file)
        if before is None:
            return EditResult(self.path, False)
        after = self._edited(before.text, path, lambda text: self._grammar.removed(text, path), None).encode()
        # A file that was there without a server in it stays when the last server goes.
        is_left_out = _is_blank(after) and not user_file.has_backup(self._file, _is_blank)
        if is_left_out:
            user_file.remove(self._file, before)
        else:
            user_file.write(self._file, after, before)
        if last:
            user_file.remove_backups(self._file)
        return EditResult(before.path, True, removed_file=is_left_out)

    def _write(self, path: Sequence[str], edit: Callable[[str], str], value: Any) -> EditResult:
        before = user_file.read(self._file)
        text = "" if before is None else before.text
        after = self._edited(text, path, edit, value)
        if before is not None and after == text:
            return EditResult(before.path, False)
        written = user_file.write(self._file, after.encode(), before, backup=True)
        return EditResult(written.path, True, written.backup)

    def _edited(self, text: str, path: Sequence[str], edit: Callable[[str], str], value: Any) -> str:
        """Return the edited text, which has `value` at the path and differs nowhere else."""
        with self._editing():
            before, after = self._grammar.at(text, ()), edit(text)
            read = self._grammar.at(after, ())
            same = _at(read, path) == value and _without(read, path) == _without(before, path)
        if not same:
            raise self._refused(f"{path[-1]} cannot be changed without something else in it")
        return after

    @contextmanager
    def _editing(self) -> Iterator[None]:
        try:
            yield
        except (JsonSpanError, TomlEditError) as error:
            raise self._refused(str(error)) from None
        except RecursionError:  # values that are read and too deep to be compared
            raise self._refused("it is nested too deeply") from None

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"{self.path} cannot be edited: {why}.",
            "Correct the file, or add the server by hand: run without --write to see what to add.",
        )


def _at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _without(value: Any, path: Sequence[str]) -> Any:
    """Return a value without what is at the path, and without objects on the way that nothing else is in."""
    if not isinstance(value, Mapping) or path[0] not in value:
        return value or {}
    rest = _without(value[path[0]], path[1:]) if len(path) > 1 else {}
    others = {name: item for name, item in value.items() if name != path[0]}
    return {**others, path[0]: rest} if rest != {} else others


def _is_blank(data: bytes) -> bool:
    return not data.decode("utf-8", "replace").strip("\ufeff \t\r\n")
