"""Putting a table into a TOML file, changing it, and taking it out again, with every other byte as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

# Editors on Windows put it there, and Codex reads it; tomlkit does not.
_MARK: Final = "\ufeff"


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
    """Return `text` with a table added at the path.

    Raises:
        TomlEditError: as `table_at`, or the parent is an inline table.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lead = newline if text else ""
    result = text + lead + _block(path, value).replace("\n", newline)
    # Read again: where the servers are written in another form, a new header means something else.
    if table_at(result, path) != dict(value):
        raise TomlEditError("the file lists its servers in a form that authlens cannot extend")
    return result


def with_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return `text` with another value at the path, which has one.

    Raises:
        TomlEditError: the text is not TOML.
    """
    document, owner = _opened(text, path)
    owner[path[-1]] = value
    return _dumped(text, document)


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
    document, owner = _opened(text, path)
    del owner[path[-1]]
    return _with_comments(text, _dumped(text, document))


def _opened(text: str, path: Sequence[str]) -> tuple[tomlkit.TOMLDocument, Any]:
    """Return the document and what has the last key of the path."""
    document = _parsed(text)
    if _dumped(text, document) != text:
        raise TomlEditError("the file is written in a form that authlens cannot keep")
    owner: Any = document
    for name in path[:-1]:
        owner = owner[name]
    return document, owner


def _dumped(text: str, document: tomlkit.TOMLDocument) -> str:
    return (_MARK if text.startswith(_MARK) else "") + tomlkit.dumps(document)


def _with_comments(before: str, after: str) -> str:
    """Return `after` with the comments below the removed table: tomlkit counts them as part of it."""
    old, new = (re.split(r"(?<=\n)", text) for text in (before, after))
    pairs = enumerate(zip(old, new, strict=False))
    start = next((number for number, (line, other) in pairs if line != other), len(new))
    end = start + len(old) - len(new)
    if old[:start] + old[end:] != new:
        return after
    comments = takewhile(lambda line: line.strip()[:1] in ("", "#"), reversed(old[start:end]))
    kept = "".join(reversed(list(comments)))
    return "".join((*old[:start], kept if "#" in kept else "", *old[end:]))


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text.removeprefix(_MARK))
    except TOMLKitError as error:
        raise TomlEditError(str(error)) from None


def _block(path: Sequence[str], value: Mapping[str, Any]) -> str:
    table = tomlkit.table()
    table.update(value)
    # As one header: tables in tables would add a line for each step of the path.
    header = ".".join(tomlkit.key(name).as_string() for name in path)
    return f"[{header}]\n{table.as_string()}"
