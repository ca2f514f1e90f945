"""Words in files of TOML or JSON, as tables, and of Markdown: each is read when it is first needed.

A translator needs these files and no Python. Tables have one form, with a sentence for each key, which TOML
may break over lines. tests/core/values/test_word_files.py holds all of them to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def folder_of(package: str) -> Path:
    """Return the folder of the words of a package that is imported."""
    return Path(sys.modules[package].__file__ or "").parent / "words"


@cache
def words(name: str, package: str = "authlens_core") -> Mapping[str, Any]:
    """Return the tables of a package's file; a sentence that is broken over lines is one line again."""
    folder = folder_of(package)
    # What every login reads is JSON: it takes a thirtieth of the time, which is spent between two requests.
    if (folder / f"{name}.json").exists():
        tables: Mapping[str, Any] = json.loads(_text(folder / f"{name}.json"))
        return tables
    import tomllib  # costs 3 ms, and few commands show one of these words

    return {key: _folded(value) for key, value in tomllib.loads(_text(folder / f"{name}.toml")).items()}


@cache
def texts(name: str) -> Mapping[tuple[str, ...], str]:
    """Return the texts of the Markdown file `name`, each by the headings above it, without the title."""
    sections: dict[tuple[str, ...], str] = {}
    path: tuple[str, ...] = ()
    for line in _text(folder_of("authlens_core") / f"{name}.md").split("\n"):
        signs, _, heading = line.partition(" ")
        if set(signs) == {"#"}:
            path = (*path[: len(signs) - 2], heading) if len(signs) > 1 else ()
            sections[path] = ""
        else:
            sections[path] = f"{sections[path]}\n{line}".strip("\n")
    return sections


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _folded(value: Any) -> Any:
    match value:
        case str():
            return " ".join(value.split())
        case list():
            return tuple(_folded(item) for item in value)
        case dict():
            return {key: _folded(item) for key, item in value.items()}
    return value
