"""Reading an object of a JSON document member by member, each with the type that it must have."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypeVar

from authlens_core.quick_dataclass import dataclass

_Choice = TypeVar("_Choice", bound=StrEnum)
_MAX_ELEMENTS: Final = 10_000  # of one list
_MAX_INTEGER: Final = 2**31


class RecordRefused(ValueError):
    """The document is not what it has to be; says what is wrong, not yet safe to show."""


def read_json(data: bytes) -> JsonRecord:
    """Return the object that `data` holds: UTF-8, no duplicate keys, no NaN, nothing after it.

    Unlike `oauth.json_document` it takes strings of any length, so the caller bounds the size of `data`.

    Raises:
        RecordRefused: `data` is something else.
    """
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite
        )
    except UnicodeDecodeError:
        raise RecordRefused("it is not UTF-8") from None
    except RecordRefused:
        raise
    except (ValueError, RecursionError):  # the decoder's own words may quote the file
        raise RecordRefused("it is not JSON") from None
    return JsonRecord("the document", _mapping("the document", found))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RecordRefused("a name appears twice in one object")
    return found


def _refused(constant: str) -> NoReturn:
    raise RecordRefused(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise RecordRefused("a number is too large")
    return value


def _mapping(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RecordRefused(f"{where} is not an object")
    return value


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """An object of the document; `where` names it in complaints. Every method raises `RecordRefused`."""

    where: str
    members: dict[str, Any] = field(repr=False)

    def value(self, name: str) -> object:
        if name not in self.members:
            raise RecordRefused(f"{self.where} has no {name}")
        return self.members[name]

    def text(self, name: str) -> str:
        return _string(f"{name} of {self.where}", self.value(name))

    def optional_text(self, name: str) -> str | None:
        return None if self.value(name) is None else self.text(name)

    def has(self, name: str) -> bool:
        """Return whether there is a member `name`: for those that an older writer left out."""
        return name in self.members

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            self._wrong(name, "true or false")
        return value

    def integer(self, name: str) -> int:
        """Return a whole number that is not negative and fits in 31 bits."""
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_INTEGER:
            self._wrong(name, "a whole number")
        return value

    def seconds(self, name: str) -> float:
        """Return a number that is not negative."""
        value = self.value(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < _MAX_INTEGER:
            self._wrong(name, "a number of seconds")
        return float(value)

    def optional_seconds(self, name: str) -> float | None:
        return None if self.value(name) is None else self.seconds(name)

    def time(self, name: str) -> datetime:
        """Return a time with an offset."""
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError:
            self._wrong(name, "a time")
        if value.tzinfo is None:
            self._wrong(name, "a time with an offset")
        return value

    def choice(self, name: str, kind: type[_Choice]) -> _Choice:
        try:
            return kind(self.text(name))
        except ValueError:
            self._wrong(name, "a known word")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_string(f"an element of {name}", element) for element in self._elements(name))

    def pairs(self, name: str) -> Iterator[tuple[str, str]]:
        for pair in self._elements(name):
            if not isinstance(pair, list) or len(pair) != 2:
                self._wrong(name, "a list of pairs")
            yield _string(name, pair[0]), _string(name, pair[1])

    def record(self, name: str) -> JsonRecord:
        return JsonRecord(name, _mapping(name, self.value(name)))

    def optional_record(self, name: str) -> JsonRecord | None:
        return None if self.value(name) is None else self.record(name)

    def records(self, name: str) -> Iterator[JsonRecord]:
        for number, element in enumerate(self._elements(name)):
            where = f"{name}[{number}]"
            yield JsonRecord(where, _mapping(where, element))

    def _elements(self, name: str) -> list[Any]:
        value = self.value(name)
        if not isinstance(value, list) or len(value) > _MAX_ELEMENTS:
            self._wrong(name, f"a list of at most {_MAX_ELEMENTS}")
        return value

    def _wrong(self, name: str, expected: str) -> NoReturn:
        raise RecordRefused(f"{name} of {self.where} is not {expected}")


def _string(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise RecordRefused(f"{where} is not text")
    return value
