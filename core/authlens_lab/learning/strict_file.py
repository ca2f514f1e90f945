"""TOML and JSON of unknown origin, read into a type; what does not fit is refused with its position.

An unknown key is an error, so that no slip eases a lesson.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator
from typing import Final, Literal, NoReturn, TypeVar

import msgspec

from authlens_core.values import safe_text
from authlens_core.values.errors import LessonRefused
from authlens_core.values.formats.json_document import JsonRefused, load_json
from authlens_lab.learning.claim import Claims, read_claims, suggestion


class StrictTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table or an object of a file: its fields are all the keys that it may have."""


class StrictFile(StrictTable, frozen=True):
    """A whole file, or a line of one, of the one format that this version reads and writes."""

    format: Literal[1]


_File = TypeVar("_File", bound=StrictFile)
_PATH: Final = re.compile(r" - at (?:`key` in )?`\$(.*?)(?:\[\.\.\.\])?`$")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*?)`", re.DOTALL)
_BYTE: Final = re.compile(r"\(byte (\d+)\)")
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)
_HEADER: Final = re.compile(r"(\[\[?)([\w.-]+)\]")
_KEY: Final = re.compile(r"\"?([^\s\"=]+)\"?\s*=")
# What Markdown would make HTML, an image or a link of.
_FORBIDDEN: Final = re.compile(r"<[A-Za-z/!?]|\]\(|\]\[|!\[|https?://(?!localhost)")
# What msgspec says, and how a lesson says it.
_REASONS: Final = (
    (re.compile(r"Input data was truncated"), "the end is missing"),
    (re.compile(r"JSON is malformed: (.*) \(byte \d+\)"), "no JSON: {0}"),
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
    (re.compile(r"(Expected .*) - at `\$\.(.*)`"), "“{1}”: {0}"),
)


def plain_text(data: bytes, file: str) -> str:
    """Return the text of a file, with plain line ends.

    Raises:
        LessonRefused: it is not UTF-8, or has a character that a terminal would obey.
    """
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise LessonRefused(f"{file}:{_line_and_column(before)}: not UTF-8") from None
    for index, character in enumerate(text):
        if character != "\n" and not character.isprintable():
            code = f"U+{ord(character):04X}"
            raise LessonRefused(
                f"{file}:{_line_and_column(text[:index])}: the character {code} is not allowed"
            )
    return text


def _line_and_column(before: str) -> str:
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def _reason(error: Exception) -> str:
    """Return msgspec's reason in the terms of a lesson."""
    for pattern, template in _REASONS:
        if match := pattern.fullmatch(str(error)):
            return safe_text.safe_line(template.format(*match.groups()), 2 * safe_text.NAME)
    return safe_text.safe_line(str(error).partition(" - at ")[0], 2 * safe_text.NAME)


def _path(error: Exception) -> str:
    """Return the path that msgspec complains about, including an unknown member."""
    path = _PATH.search(str(error))
    unknown = _UNKNOWN.search(str(error))
    return (path[1] if path else "") + (f".{unknown[1]}" if unknown else "")


def read_json_lines(data: bytes, kind: type[_File], name: str) -> Iterator[tuple[int, _File]]:
    """Yield the number and the value of each line of a file.

    Args:
        name: of the file, for messages.

    Raises:
        LessonRefused: a line holds none; the message has file, line, column and reason.
    """
    for number, line in enumerate(plain_text(data, name).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line, type=kind)
            load_json(line.encode(), large=True)  # msgspec takes equal keys, and half of a surrogate pair
        except (msgspec.DecodeError, RecursionError, JsonRefused) as error:
            byte = _BYTE.search(str(error))
            keys = re.findall(r"\.([^.\[]+)", _path(error))
            column = max(line.find(f'"{keys[-1]}"'), 0) if keys else 0
            if byte:
                column = int(byte[1])
            raise LessonRefused(f"{name}:{number}:{column + 1}: {_reason(error)}.") from None
        yield number, value


class StrictToml:
    """A TOML file, with the line of each of its keys.

    Args:
        file: its name, for messages.
    """

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text
        self._claims_end = 0  # up to where claims were read

    def convert(self, kind: type[_File], vocabulary: Collection[str] = ()) -> _File:
        """Return the file as a value of `kind`.

        Args:
            vocabulary: words that may have been meant.

        Raises:
            LessonRefused: it is no TOML, has another format, a key or value that `kind` has not, a claim that
                is none, or text that is more than text.
        """
        if match := _FORBIDDEN.search(self._text):
            position = _line_and_column(self._text[: match.start()])
            raise LessonRefused(f"{self._file}:{position}: no HTML, images or links: {match[0]!r}")
        try:
            tables = tomllib.loads(self._text)
            return msgspec.convert(tables, kind, dec_hook=self._claims)
        except msgspec.ValidationError as error:
            word = re.search(r"'(.*)'", str(error))
            self.refuse(_path(error), _reason(error) + (suggestion(word[1], vocabulary) if word else ""))
        except tomllib.TOMLDecodeError as error:
            match = _TOML_PLACE.fullmatch(str(error))
            line, column, why = (match[2] or 1, match[3] or 1, match[1]) if match else (1, 1, error)
            raise LessonRefused(f"{self._file}:{line}:{column}: {why}") from None
        except RecursionError:
            raise LessonRefused(f"{self._file}:1:1: it is nested too deeply") from None

    def _claims(self, claims: type[Claims], text: object) -> Claims:
        """Return the claims of a text; texts come in the order of the file, which gives their positions."""
        if not isinstance(text, str):
            raise TypeError("Expected `str`")
        self._claims_end = start = max(self._text.find(text, self._claims_end), self._claims_end)
        line = self._text.count("\n", 0, start) + 1
        column = start - self._text.rfind("\n", 0, start) - 1
        return read_claims(text, claims, file=self._file, line=line, column=column)

    def allow(self, path: str, names: Iterable[str], allowed: Collection[str]) -> None:
        """Refuse names at a path that are not `allowed`."""
        for name in names:
            self.require(name in allowed, path, f"“{name}” is not known here{suggestion(name, allowed)}")

    def require(self, condition: object, path: str, reason: str) -> None:
        """Refuse the file unless a condition holds; see `refuse`."""
        if not condition:
            self.refuse(path, reason)

    def refuse(self, path: str, reason: str) -> NoReturn:
        """Refuse the file for what is at a path, such as `.lesson[0].question[2].right`.

        Raises:
            LessonRefused: the place is that of the nearest key or table above that can be found.
        """
        places = self._places()
        while path and path not in places:
            path = path[: max(path.rfind("."), path.rfind("["))]
        raise LessonRefused(f"{self._file}:{places.get(path, 1)}:1: {reason}")

    def _places(self) -> dict[str, int]:
        """Return the line of each table and key by its path."""
        lines: dict[str, int] = {}
        counts: dict[str, int] = {}

        def numbered(path: str) -> str:
            return f"{path}[{counts[path]}]" if path in counts else path

        table = ""
        for number, line in enumerate(self._text.split("\n"), 1):
            if header := _HEADER.match(line):
                table = ""
                *above, last = header[2].split(".")
                for name in above:
                    table = numbered(f"{table}.{name}")
                table += f".{last}"
                if header[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                table = numbered(table)
                lines[table] = number
            elif key := _KEY.match(line):
                lines.setdefault(f"{table}.{key[1]}", number)
        return lines
