"""JSON and TOML that anyone may have written, read into a type: what does not fit is refused with its place.

An unknown key is an error, so that no slip eases a lesson.
"""

from __future__ import annotations

import codecs
import json
import re
import tomllib
from collections.abc import Collection, Iterable
from typing import Final, Literal, NoReturn, TypeVar

import msgspec

from authlens_core.learning.claim import LOOT, Claim, meant, read_claims
from authlens_core.values import safe_text
from authlens_core.values.errors import LessonRefused
from authlens_core.values.formats.json_document import JsonRefused, load_json


class StrictTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table or an object of a file: its fields are all the keys that it may have."""


class StrictFile(StrictTable, frozen=True):
    """A whole file, of the one format that this version reads and writes."""

    format: Literal[1]


NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
"""The identifier of a lesson or a drill."""
ID_FORM: Final = "an id has 2 to 40 lower-case letters, digits and hyphens"
_Read = TypeVar("_Read", bound=StrictFile)
_BYTE: Final = re.compile(r" \(byte (\d+)\)")
_PATH: Final = re.compile(r" - at (?:`key` in )?`\$(.*?)(?:\[\.\.\.\])?`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_SPACE: Final = re.compile(r"[ \t\r\n:,]*")
_SCANNER: Final = json.JSONDecoder()
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
    data = data.removeprefix(codecs.BOM_UTF8)
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
            at = _place_in(data, f".lessons[{number}].lesson")
            raise LessonRefused(f"{name}:{at}: the lesson “{each.lesson}” is there twice.")
        seen.add(each.lesson)
    return value


def reason(said: str) -> str:
    """Return what msgspec says in the words of a lesson."""
    for pattern, words in _SAID:
        if found := pattern.fullmatch(said):
            return safe_text.safe_line(words.format(*found.groups()), 2 * safe_text.NAME)
    return safe_text.safe_line(said.partition(" - at ")[0], 2 * safe_text.NAME)


def place(said: str) -> tuple[str, str]:
    """Return the path of what msgspec speaks of, and the member of it that is not known; empty for none."""
    path, unknown = _PATH.search(said), _UNKNOWN.search(said)
    return path[1] if path else "", unknown[1] if unknown else ""


def _place_of(data: bytes, said: str) -> str:
    """Return line and column of what msgspec says about a text; its start where it names no place."""
    if at := _BYTE.search(said):
        return line_and_column(data[: int(at[1])].decode("utf-8", "replace"))
    path, unknown = place(said)
    return _place_in(data, path, unknown) if path or unknown else "1:1"


def line_and_column(before: str) -> str:
    """Return `line:column` of what comes next in a text, both from 1."""
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _place_in(data: bytes, path: str, inner: str = "") -> str:
    """Return where the member at a path starts, or the nearest one above it that can be found.

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
    return line_and_column(text[:at])


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


_Kind = TypeVar("_Kind")


class Claims(tuple[Claim, ...]):
    """The claims of a text in the file, one a line."""


class StrictToml:
    """A file, which knows where each of its keys is.

    Args:
        file: its name, for messages.
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._lines = text.split("\n")
        self._read = 0  # up to where claims were read

    def typed(self, kind: type[_Kind]) -> _Kind:
        """Return the file as a value of `kind`, which is a `StrictFile`.

        Raises:
            LessonRefused: it is no TOML, has another format, or a key or value that `kind` has not, or a
                claim that is none.
        """
        try:
            tables = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise LessonRefused(f"{self._file}:{_toml_place(str(error))}") from None
        except RecursionError:
            raise LessonRefused(f"{self._file}:1: it is nested too deeply") from None
        try:
            return msgspec.convert(tables, kind, dec_hook=lambda _, text: self._claims(text))
        except msgspec.ValidationError as error:
            path, unknown = place(str(error))
            table, _, key = path.removeprefix(".").rpartition(".")
            if unknown:
                table, key = path.removeprefix("."), unknown
            self.refuse(table, key, reason(str(error)))

    def _claims(self, text: object) -> Claims:
        """Return the claims of a text; they are read in the order of the file, which says where each is.

        Raises:
            LessonRefused: a line of it is no claim.
        """
        if not isinstance(text, str):
            raise TypeError("Expected `str`")
        at = max(self._text.find(text, self._read), 0)
        self._read = max(at, self._read)
        line, column = self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at) - 1
        return Claims(read_claims(text, file=self._file, line=line, column=column))

    def known(self, table: str, key: str, names: Iterable[str], known: Collection[str]) -> None:
        """Refuse names that are not `known`."""
        for name in names:
            self.require(name in known, table, key, f"“{name}” is not known here{meant(name, known)}")

    def require(self, condition: object, table: str, key: str, reason: str) -> None:
        """Refuse the file unless a condition holds; see `refuse`."""
        if not condition:
            self.refuse(table, key, reason)

    def refuse(self, table: str, key: str, reason: str) -> NoReturn:
        """Refuse the file for what is at a key.

        Args:
            table: its table, with an index where there are several, such as `question[2]`; empty for none.
        """
        line, column = self._place(table, key)
        raise LessonRefused(f"{self._file}:{line}:{column}: {reason}")

    def _place(self, table: str, key: str) -> tuple[int, int]:
        """Return line and column of a key; those of its table, or of the file, where it cannot be found."""
        wanted = re.search(r"\[(\d+)\]", table)
        left = int(wanted[1]) if wanted else 0  # tables of this name that come before it
        name, key = re.sub(r"\[[^]]*\]", "", table), re.sub(r"\[[^]]*\]", "", key)
        at, start = "", (1, 1)
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[+([\w.]+)\]+", line):
                left -= at == name and bool(wanted)
                at = header[1]
                if at == f"{name}.{key}".strip(".") or (at == name and left <= 0):
                    start = (number, 1)
            elif at == name and left <= 0 and (found := re.match(rf"(\s*){re.escape(key)}\s*=", line)):
                return number, len(found[1]) + 1
        return start


def _toml_place(said: str) -> str:
    """Return `line:column: reason` from what tomllib says."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", said, re.DOTALL)
    if found is None:
        return f"1:1: {said}"
    return f"{found[2] or 1}:{found[3] or 1}: {found[1]}"
