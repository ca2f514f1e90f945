"""JSON files: written so that no terminal obeys them, and read strictly into dataclasses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, Union, get_args, get_origin, get_type_hints

from authlens_core.values.safe_text import safe_line

_MAX_ELEMENTS: Final = 10_000  # of one list
_MAX_NUMBER: Final = 2**31
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

# Takes a value, its name, and the name of what it is in.
ReadValue = Callable[[Any, str, str], Any]


class RecordRefused(ValueError):
    """The document is not what it has to be; says what is wrong, not yet safe to show."""


def json_output(document: Mapping[str, object], *, compact: bool = False) -> str:
    """Return `document` as JSON, two spaces deep unless it is to be compact, with a line end at its end.

    Characters that a terminal obeys, or that reorder what is beside them, are written as JSON escapes, which
    mean the same. Half of a surrogate pair, which readers do not read alike, becomes U+FFFD.
    """
    text = json.dumps(document, indent=None if compact else 2, ensure_ascii=False, allow_nan=False)
    text = _SURROGATE.sub("\ufffd", text)
    if not all(line.isprintable() and line == safe_line(line, len(line)) for line in text.split("\n")):
        text = "".join(c if c == "\n" or safe_line(c) == c else json.dumps(c)[1:-1] for c in text)
    return text + "\n"


class RecordReader:
    """Reads values of JSON by the type that they must have; every method raises `RecordRefused`.

    A member of an object has the name and the type of a field: texts, numbers, times, enumerations, tuples,
    sets and dataclasses of these are known. Of alternatives, the first is read, or None.

    Args:
        special: how values of other types are read.
    """

    def __init__(self, special: Mapping[Any, ReadValue]) -> None:
        self._known = {**_PLAIN, **special}

    def read(self, kind: Any, value: Any, name: str, parent: str) -> Any:
        """Return `value`, the member `name` of `parent`, as a value of the type `kind`."""
        if kind in self._known:
            return self._known[kind](value, name, parent)
        shape, parts = get_origin(kind), get_args(kind)
        if shape in (Union, UnionType):
            return None if value is None and NoneType in parts else self.read(parts[0], value, name, parent)
        if shape in (tuple, frozenset):
            elements = enumerate(list_of(value, name, parent))
            return shape(
                self.read(parts[0], element, f"{name}[{number}]", parent) for number, element in elements
            )
        return self.record(kind, value, name) if is_dataclass(kind) else _choice(kind, value, name, parent)

    def record(self, kind: Any, value: Any, name: str) -> Any:
        """Return an object as the dataclass `kind`; members that it does not know are ignored."""
        members, values = _object(name, value), {}
        for field, wanted in _types(kind).items():
            if field in members:
                values[field] = self.read(wanted, members[field], field, name)
            else:
                raise RecordRefused(f"{name} has no {field}")
        return kind(**values)


def list_of(value: Any, name: str, parent: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MAX_ELEMENTS:
        wrong(name, parent, f"a list of at most {_MAX_ELEMENTS}")
    return value


@cache
def _types(kind: Any) -> dict[str, Any]:
    """Return the type of each field of a dataclass."""
    types = get_type_hints(kind)
    return {field.name: types[field.name] for field in fields(kind)}


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordRefused(f"{name} is not an object")
    return value


def wrong(name: str, parent: str, expected: str) -> NoReturn:
    raise RecordRefused(f"{name} of {parent} is not {expected}")


def _text(value: Any, name: str, parent: str) -> str:
    return value if isinstance(value, str) else wrong(name, parent, "text")


def _flag(value: Any, name: str, parent: str) -> bool:
    return value if isinstance(value, bool) else wrong(name, parent, "true or false")


def _integer(value: Any, name: str, parent: str) -> int:
    # JSON's true would pass: to Python, a bool is an int.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_NUMBER:
        wrong(name, parent, "a whole number")
    return value


def _seconds(value: Any, name: str, parent: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < _MAX_NUMBER:
        wrong(name, parent, "a number of seconds")
    return float(value)


def _time(value: Any, name: str, parent: str) -> datetime:
    try:
        time = datetime.fromisoformat(_text(value, name, parent))
    except ValueError:
        wrong(name, parent, "a time")
    return time if time.tzinfo is not None else wrong(name, parent, "a time with an offset")


def _choice(kind: type[StrEnum], value: Any, name: str, parent: str) -> StrEnum:
    try:
        return kind(_text(value, name, parent))
    except ValueError:
        wrong(name, parent, "a known word")


_PLAIN: Final[dict[Any, ReadValue]] = {
    str: _text,
    bool: _flag,
    int: _integer,
    float: _seconds,
    datetime: _time,
}
