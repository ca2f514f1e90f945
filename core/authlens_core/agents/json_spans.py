"""JSON with comments and trailing commas, parsed with the place of each value: what an edit needs.

No library of Python edits such a file without rewriting it, and people write comments into these files.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from authlens_core.values.quick_dataclass import dataclass

# Possessive (`++`): a hostile file must not have every way to divide it tried.
_SKIPPED: Final = re.compile(r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?s:.*?)\*/)*+")
# Far below the interpreter's own limit, which a hostile file could reach.
_DEEPEST: Final = 100


class JsonSpanError(ValueError):
    """The text is not JSON, not even with comments and trailing commas."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object.

    Attributes:
        comma: where the comma after it is, or None.
    """

    name: str
    start: int
    value: Node
    comma: int | None = None

    @property
    def end(self) -> int:
        """Where it ends, without a comma."""
        return self.value.end


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place in the text.

    Attributes:
        members: those of an object; None for any other value.
    """

    value: Any
    start: int
    end: int
    members: tuple[Member, ...] | None = None

    def member(self, name: str) -> Member | None:
        """Return the last member of this name, which is the one that readers take."""
        return next((member for member in reversed(self.members or ()) if member.name == name), None)


def parse_spans(text: str) -> Node:
    """Return the one value in `text`.

    Raises:
        JsonSpanError: with the line and what is wrong there.
    """
    reader = _JsonReader(text)
    reader.skip()
    node = reader.value(0)
    reader.skip()
    if reader.at < len(text):
        reader.fail("something follows the value")
    return node


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which JSON has not.
    raise ValueError(name)


class _JsonReader:
    def __init__(self, text: str) -> None:
        self.text = text
        # Editors on Windows put a mark there, which is no part of the JSON (RFC 8259 §8.1).
        self.at = 1 if text.startswith("\ufeff") else 0
        self._strings = json.JSONDecoder(parse_constant=_refuse_constant)

    def fail(self, why: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        raise JsonSpanError(f"line {line}: {why}")

    def skip(self) -> None:
        """Go over white space and comments."""
        if skipped := _SKIPPED.match(self.text, self.at):
            self.at = skipped.end()
        if self.text.startswith("/*", self.at):
            self.fail("a comment is not closed")

    def value(self, depth: int) -> Node:
        if depth > _DEEPEST:
            self.fail("it is nested too deeply")
        start = self.at
        character = self.text[start : start + 1]
        if character == "{":
            return self._object(depth)
        if character == "[":
            return self._array(depth)
        try:
            value, self.at = self._strings.raw_decode(self.text, start)
        except (ValueError, RecursionError):
            self.fail("a value is expected")
        return Node(value, start, self.at)

    def _object(self, depth: int) -> Node:
        start = self.at
        members: list[Member] = []
        self.at += 1
        while True:
            self.skip()
            if self.text[self.at : self.at + 1] == "}":
                self.at += 1
                break
            if members and members[-1].comma is None:
                self.fail("a comma is expected")
            members.append(self._member(depth))
        # Of a name that comes twice the last one counts, as for the agent that reads the file.
        value = {member.name: member.value.value for member in members}
        return Node(value, start, self.at, tuple(members))

    def _member(self, depth: int) -> Member:
        start = self.at
        if self.text[start : start + 1] != '"':
            self.fail("a key in quotes is expected")
        name = self.value(depth + 1).value
        self.skip()
        if self.text[self.at : self.at + 1] != ":":
            self.fail("a colon is expected")
        self.at += 1
        self.skip()
        value = self.value(depth + 1)
        return Member(name, start, value, self._comma())

    def _comma(self) -> int | None:
        self.skip()
        if self.text[self.at : self.at + 1] != ",":
            return None
        self.at += 1
        return self.at - 1

    def _array(self, depth: int) -> Node:
        start = self.at
        values: list[Any] = []
        self.at += 1
        comma: int | None = start
        while True:
            self.skip()
            if self.text[self.at : self.at + 1] == "]":
                self.at += 1
                return Node(values, start, self.at)
            if comma is None:
                self.fail("a comma is expected")
            values.append(self.value(depth + 1).value)
            comma = self._comma()
