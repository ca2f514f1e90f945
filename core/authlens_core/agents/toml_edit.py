"""Putting a table into a TOML file and taking it out again, with every other byte as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError


class TomlEditError(ValueError):
    """The file is not TOML, or its tables are written in a way that cannot be added to."""


def table_at(text: str, path: Sequence[str]) -> Any:
    """Return the value at a path, or None.

    Raises:
        TomlEditError: the text is not TOML.
    """
    value: Any = _parsed(text)
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value.unwrap() if hasattr(value, "unwrap") else value


def with_table(text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return `text` with the table at `path`; an existing one of this path is replaced.

    Raises:
        TomlEditError: as `table_at`, or the parent is an inline table.
    """
    if table_at(text, path) is not None:
        text = without_table(text, path)
    newline = "\r\n" if "\r\n" in text else "\n"
    lead = newline if text else ""
    result = text + lead + _block(path, value).replace("\n", newline)
    # Read again: where the servers are written in another form, a new header means something else.
    if table_at(result, path) != dict(value):
        raise TomlEditError("the file lists its servers in a form that authlens cannot extend")
    return result


def without_table(text: str, path: Sequence[str]) -> str:
    """Return `text` without the table at `path`.

    Raises:
        TomlEditError: the text is not TOML.
    """
    table = table_at(text, path)
    if table is None:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    block = _block(path, table).replace("\n", newline)
    # As it was written, if it still is: then every other byte stays as it was.
    at = text.find(block)
    if at >= 0:
        before = text[:at].removesuffix(newline)
        return before + text[at + len(block) :]
    document = _parsed(text)
    owner: Any = document
    for name in path[:-1]:
        owner = owner[name]
    del owner[path[-1]]
    return tomlkit.dumps(document)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise TomlEditError(str(error)) from None


def _block(path: Sequence[str], value: Mapping[str, Any]) -> str:
    table = tomlkit.table()
    table.update(value)
    # As one header: tables in tables would add a line for each step of the path.
    header = ".".join(tomlkit.key(name).as_string() for name in path)
    return f"[{header}]\n{table.as_string()}"
