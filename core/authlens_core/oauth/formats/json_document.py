"""A strict reader of JSON documents (RFC 8259): one text has one meaning, or it is refused.

The standard library takes the last of two equal keys, takes NaN, turns 1e400 into infinity, and fails with a
RecursionError on a deep document. A server may use each of these to show us one thing and mean another.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, TypeAlias, cast

from authlens_core.values.safe_text import NAME, safe_line

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH: Final = 64
MAX_MEMBERS: Final = 10_000
MAX_STRING: Final = 256 * 1024  # characters: as long as the longest body that is read
MAX_DIGITS: Final = 40

_BOM: Final = b"\xef\xbb\xbf"
# Possessive quantifiers: each expression reads its text once, whatever follows.
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+')
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_LITERALS: Final[dict[str, bool | None]] = {"null": None, "true": True, "false": False}
_NOT_JSON: Final = {
    "/": "a comment",
    "'": "text in single quotes",
    "N": "NaN",
    "I": "Infinity",
    "]": "an unexpected ']'",
    "}": "an unexpected '}'",
    ",": "an unexpected ','",
}


class JsonRefused(ValueError):
    """The bytes are not one strict JSON document; the message says why and at which byte, safe to show."""


def load_object(data: bytes) -> dict[str, JsonValue]:
    """Return the object that `data` holds.

    Raises:
        JsonRefused: if `data` is not one strict JSON document, or its top level is not an object.
    """
    value = load_json(data)
    if not isinstance(value, dict):
        raise JsonRefused("the document is not an object at byte 0")
    return value


def object_in(data: bytes) -> dict[str, JsonValue]:
    """Return what `load_object` returns, or an empty object for what it refuses."""
    try:
        return load_object(data)
    except JsonRefused:
        return {}


def load_json(data: bytes) -> JsonValue:
    """Return the value that `data` holds, read in linear time.

    UTF-8 only, with or without a byte order mark. No duplicate keys, no NaN or infinity, nothing after the
    value; at most 64 levels, 10,000 members and elements, 262,144 characters a string, 40 digits a number.

    Raises:
        JsonRefused: if `data` breaks one of these rules; it says which and where.
    """
    skipped = len(_BOM) if data.startswith(_BOM) else 0
    try:
        text = data[skipped:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonRefused(f"not UTF-8 at byte {skipped + error.start}") from None
    try:
        return _Scanner(text).document()
    except _Stop as stop:
        position = skipped + len(text[: stop.index].encode("utf-8"))
        raise JsonRefused(f"{stop.reason} at byte {position}") from None


class _Stop(Exception):
    """A rule is broken at a character index."""

    def __init__(self, reason: str, index: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.index = index


class _Scanner:
    """Reads one text from left to right; `at` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.members = 0

    def document(self) -> JsonValue:
        self.skip_space()
        if self.at == len(self.text):
            raise _Stop("the document is empty", self.at)
        value = self.value(0)
        self.skip_space()
        if self.at < len(self.text):
            raise _Stop("something follows the end of the document", self.at)
        return value

    def value(self, depth: int) -> JsonValue:
        start = self.peek()
        if start in "{[":
            # Each level costs frames of the interpreter's stack, which a hostile document must not use up.
            if depth == MAX_DEPTH:
                raise _Stop(f"more than {MAX_DEPTH} levels", self.at)
            return self.object(depth + 1) if start == "{" else self.array(depth + 1)
        if start == '"':
            return self.string()
        if start == "-" or "0" <= start <= "9":
            return self.number()
        return self.literal()

    def object(self, depth: int) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        self.at += 1
        self.skip_space()
        if self.take("}"):
            return found
        while True:
            self.skip_space()
            start = self.at
            if self.peek() != '"':
                raise self.unexpected("a key in double quotes")
            key = self.string()
            if key in found:
                raise _Stop(f'duplicate key "{safe_line(key, NAME)}"', start)
            self.count()
            self.skip_space()
            if not self.take(":"):
                raise self.unexpected("':'")
            self.skip_space()
            found[key] = self.value(depth)
            self.skip_space()
            if self.take("}"):
                return found
            if not self.take(","):
                raise self.unexpected("',' or '}'")

    def array(self, depth: int) -> list[JsonValue]:
        found: list[JsonValue] = []
        self.at += 1
        self.skip_space()
        if self.take("]"):
            return found
        while True:
            self.skip_space()
            self.count()
            found.append(self.value(depth))
            self.skip_space()
            if self.take("]"):
                return found
            if not self.take(","):
                raise self.unexpected("',' or ']'")

    def string(self) -> str:
        start = self.at
        match = _PLAIN.match(self.text, start + 1)
        end = match.end() if match else start + 1
        # The longest escape of one character is a surrogate pair of twelve.
        if end - start > 12 * MAX_STRING or self.text[end : end + 1] != '"':
            raise self.bad_string(start, end)
        self.at = end + 1
        raw = self.text[start + 1 : end]
        # The standard library undoes the escapes; the expression above has made sure that they are well-
        # formed.
        value = cast("str", json.loads(f'"{raw}"')) if "\\" in raw else raw
        if len(value) > MAX_STRING:
            raise self.bad_string(start, end)
        # RFC 8259 §8.2: readers differ about half of a surrogate pair, and no record can hold one.
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _Stop("half of a surrogate pair in a string", start)
        return value

    def bad_string(self, start: int, end: int) -> _Stop:
        if end - start > MAX_STRING:
            return _Stop(f"a string of more than {MAX_STRING} characters", start)
        if end == len(self.text):
            return _Stop("a string without an end", start)
        if self.text[end] == "\\":
            return _Stop("a bad escape in a string", end)
        return _Stop("a control character in a string", end)

    def number(self) -> int | float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self.unexpected("a digit after '-'")
        literal = match.group()
        # int() takes time that grows with the square of the digits (CVE-2020-10735).
        if sum(map(str.isdigit, literal)) > MAX_DIGITS:
            raise _Stop(f"a number of more than {MAX_DIGITS} digits", self.at)
        if match.group(1) is None and match.group(2) is None:
            self.at = match.end()
            return int(literal)
        number = float(literal)
        if math.isinf(number):
            raise _Stop("a number too large to hold", self.at)
        self.at = match.end()
        return number

    def literal(self) -> bool | None:
        for word, value in _LITERALS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        raise self.unexpected("a value")

    def count(self) -> None:
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise _Stop(f"more than {MAX_MEMBERS} members", self.at)

    def skip_space(self) -> None:
        # Asked after every token, and most servers send no space.
        if self.text[self.at : self.at + 1] in " \t\n\r":
            match = _SPACE.match(self.text, self.at)
            self.at = match.end() if match else self.at

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def peek(self) -> str:
        """Return the next character; the end of the text where one is needed is refused."""
        if self.at >= len(self.text):
            raise _Stop("the document ends too early", self.at)
        return self.text[self.at]

    def unexpected(self, wanted: str) -> _Stop:
        if self.at >= len(self.text):
            return _Stop("the document ends too early", self.at)
        character = self.text[self.at]
        seen = _NOT_JSON.get(character, f"an unexpected '{safe_line(character)}'")
        return _Stop(f"{seen} where {wanted} belongs", self.at)
