"""JSON that anyone may have written, read into a type: what does not fit is refused with its place."""

from __future__ import annotations

import json
import re
from typing import Final, Literal, TypeVar

import msgspec

from authlens_core.learning.moves import LOOT
from authlens_core.values.errors import LessonRefused
from authlens_core.values.formats.json_document import JsonRefused, load_json
from authlens_core.values.safe_text import NAME, safe_line


class StrictTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table or an object of a file: its fields are all the keys that it may have."""


class StrictFile(StrictTable, frozen=True):
    """A whole file, of the one format that this version reads and writes."""

    format: Literal[1]


_Read = TypeVar("_Read", bound=StrictFile)
_BYTE: Final = re.compile(r" \(byte (\d+)\)")
_PATH: Final = re.compile(r" - at (?:`key` in )?`\$(.*?)(?:\[\.\.\.\])?`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_SPACE: Final = re.compile(r"[ \t\r\n:,]*")
_SCANNER: Final = json.JSONDecoder()
_READS: Final = "this version of authlens reads 1"
# What msgspec says, and how a lesson says it.
_SAID: Final = (
    (re.compile(r"Input data was truncated"), "the file is empty, or its end is missing"),
    (re.compile(r"JSON is malformed: (.*) \(byte \d+\)"), "no JSON: {0}"),
    (re.compile(r"Invalid value '(.*)' - at `\$.*\.do`", re.DOTALL), "there is no move “{0}”"),
    (
        re.compile(r"Invalid enum value (.*) - at `\$\.format`"),
        "format {0}; this version of authlens reads 1",
    ),
    (re.compile(r"Object missing required field `(.*?)`.*"), "“{0}” is missing"),
    (re.compile(r"Object contains unknown field `(.*?)`(?: - at.*)?", re.DOTALL), "“{0}” means nothing here"),
    (
        re.compile(r"Invalid enum value '(.*)' - at (?:`key` in )?`\$\.?(.*)`", re.DOTALL),
        "“{0}” is no value of “{1}”",
    ),
    (
        re.compile(r"Expected `str` matching regex '\^\(?\\+\$.*' - at `\$\.(.*)`"),
        f"“{{0}}”: a credential is named, and is one of {', '.join(f'${name}' for name in LOOT)}",
    ),
    (re.compile(r"(Expected .*) - at `\$\.(.*)`"), "“{1}”: {0}"),
)


def read_strict(data: bytes, kind: type[_Read], *, name: str, limit: int) -> _Read:
    """Return the value that a file holds.

    Args:
        name: of the file, for messages.
        limit: bytes; a file with more is not read.

    Raises:
        LessonRefused: it is none; the message has file, line, column and reason.
    """
    if len(data) > limit:
        raise LessonRefused(f"{name}:1:1: the file has more than {limit // 1024} KiB.")
    try:
        value = msgspec.json.decode(data, type=kind)
        load_json(data, large=True)  # msgspec takes equal keys, and half of a surrogate pair
    except JsonRefused as error:
        raise LessonRefused(f"{name}:1:1: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        said = str(error)
        raise LessonRefused(f"{name}:{_place_of(data, said)}: {reason(said)}.") from None
    seen: set[str] = set()
    for number, each in enumerate(getattr(value, "lessons", ())):
        if each.lesson in seen:
            at = _line_and_column(data, _offset(data, f".lessons[{number}].lesson"))
            raise LessonRefused(f"{name}:{at}: the lesson “{each.lesson}” is there twice.")
        seen.add(each.lesson)
    return value


def reason(said: str) -> str:
    """Return what msgspec says in the words of a lesson."""
    for pattern, words in _SAID:
        if found := pattern.fullmatch(said):
            return safe_line(words.format(*found.groups()), 2 * NAME)
    return safe_line(said.partition(" - at ")[0], 2 * NAME)


def place(said: str) -> tuple[str, str]:
    """Return the path of what msgspec speaks of, and the member of it that is not known; empty for none."""
    path, unknown = _PATH.search(said), _UNKNOWN.search(said)
    return path[1] if path else "", unknown[1] if unknown else ""


def _place_of(data: bytes, said: str) -> str:
    """Return line and column of what msgspec says about a text; its start where it names no place."""
    if at := _BYTE.search(said):
        return _line_and_column(data, int(at[1]))
    path, unknown = place(said)
    return _line_and_column(data, _offset(data, path, unknown)) if path or unknown else "1:1"


def _line_and_column(data: bytes, offset: int) -> str:
    before = data[:offset].split(b"\n")
    return f"{len(before)}:{len(before[-1].decode('utf-8', 'replace')) + 1}"


def _offset(data: bytes, path: str, inner: str = "") -> int:
    """Return the byte where the member at a path starts, or the nearest one above it that can be found.

    Args:
        inner: a member of it, whose name may have any character.
    """
    text = data.decode("utf-8", "replace")
    at = value_at = _skipped(text, 0)
    try:
        for key, number in (*_STEP.findall(path), *([(inner, "")] if inner else [])):
            at, value_at = _member(text, value_at, key, int(number or 0))
    except (ValueError, IndexError, RecursionError):
        pass  # the member above is as near as it gets
    return len(text[:at].encode())


def _member(text: str, at: int, key: str, number: int) -> tuple[int, int]:
    """Return where a member of an object, or an element of an array, and its value start.

    Raises:
        ValueError: there is none.
    """
    at = _skipped(text, at + 1)
    while text[at] not in "]}":
        start = at
        value, at = _SCANNER.raw_decode(text, at)
        at = _skipped(text, at)
        if key:
            if value == key:
                return start, at
            _, at = _SCANNER.raw_decode(text, at)
            at = _skipped(text, at)
        elif number == 0:
            return start, start
        number -= 1
    raise ValueError


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
