"""Style sheets that are parsed once in a process: each app of Textual parses all of its own again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

__all__ = ["parsed_once"]


@contextmanager
def parsed_once() -> Iterator[None]:
    """Let all apps share what they parse, as long as text, place and variables of a sheet are the same."""
    shared: defaultdict[frozenset[tuple[str, str]], dict[tuple[Any, ...], Any]] = defaultdict(dict)
    begin, change = Stylesheet.__init__, Stylesheet.set_variables

    def parses_for(sheet: Stylesheet, variables: dict[str, str]) -> None:
        sheet._parse_cache = shared[frozenset(variables.items())]  # type: ignore[assignment]

    def begin_shared(sheet: Stylesheet, *, variables: dict[str, str] | None = None) -> None:
        begin(sheet, variables=variables)
        parses_for(sheet, variables or {})

    def change_shared(sheet: Stylesheet, variables: dict[str, str]) -> None:
        sheet._parse_cache = LRUCache(1)  # the change empties it, and others share the one before
        change(sheet, variables)
        parses_for(sheet, variables)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "__init__", begin_shared)
        patch.setattr(Stylesheet, "set_variables", change_shared)
        yield
