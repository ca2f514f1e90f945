"""JSON with comments and trailing commas: an edit of one value keeps every other byte.

No library of Python edits such a file without rewriting it, and people write comments into these files. What
`with_member` writes tells `without_member` what was there before: an object that was made for the member
has its member on a line of its own, and one that was there and empty has it on the same line.

"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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


# Only one that ends its line: what has something behind it belongs to that.
_COMMENT: Final = re.compile(r"[ \t]*(?://[^\r\n]*|/\*(?:(?!\*/)[^\r\n])*\*/)(?=[ \t]*\r?\n)")
_LINE_END: Final = re.compile(r"[ \t]*\r?\n")


def member_at(text: str, path: Sequence[str]) -> Any:
    """Return the value at a path, or None.

    Raises:
        JsonSpanError: the text is not JSON, or a value on the way is not an object.
    """
    if not text.strip("\ufeff \t\r\n"):
        return None
    node = parse_spans(text)
    for name in path:
        member = _object(node).member(name)
        if member is None:
            return None
        node = member.value
    return node.value


def with_member(text: str, path: Sequence[str], value: Any) -> str:
    """Return `text` with `value` at `path`; objects on the way are made.

    Raises:
        JsonSpanError: as `member_at`.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.strip("\ufeff \t\r\n"):
        made = _nested(path, value, "", "  ", newline)
        return f"{text}{{{newline}  {made}{newline}}}{newline}"
    node, indent = parse_spans(text), ""
    step = _step(text, node)
    for depth, name in enumerate(path):
        member = _object(node).member(name)
        if member is None:
            made = _nested(path[depth:], value, indent + step, step, newline)
            return _inserted(text, node, made, indent + step, newline)
        if depth == len(path) - 1:
            written = _written(value, _indent_of(text, member, indent + step), step, newline)
            return text[: member.value.start] + written + text[member.value.end :]
        indent = _indent_of(text, member, indent + step)
        node = member.value
    return text


def without_member(text: str, path: Sequence[str]) -> str:
    """Return `text` without the member at `path`, and without the objects that were made for it.

    Raises:
        JsonSpanError: as `member_at`.
    """
    if member_at(text, path) is None:
        return text
    node = parse_spans(text)
    owners = [node]
    for name in path[:-1]:
        member = _object(owners[-1]).member(name)
        if member is None:
            return text
        owners.append(member.value)
    names = list(path)
    # From the inside out: removing the last member may leave the object around it with nothing of its own.
    while len(owners) > 1 and _was_made(text, owners[-1]):
        owners.pop()
        names.pop()
    if len(owners) == 1 and _was_made(text, owners[0]) and not text[owners[0].end :].strip():
        prefix = text[: owners[0].start]
        if not prefix.strip("\ufeff \t\r\n"):
            return prefix
    return _removed(text, owners[-1], names[-1])


def _object(node: Node) -> Node:
    if node.members is None:
        raise JsonSpanError("the list of servers is not an object")
    return node


def _written(value: Any, indent: str, step: str, newline: str) -> str:
    # With the line ends that the file has: it is not to have both.
    lines = json.dumps(value, indent=step, ensure_ascii=False).split("\n")
    return newline.join([lines[0], *(indent + line for line in lines[1:])])


def _nested(path: Sequence[str], value: Any, indent: str, step: str, newline: str) -> str:
    """Return a member whose value is the path's rest, each object of it on lines of its own."""
    name, *rest = path
    here = indent or step
    if not rest:
        return f"{json.dumps(name)}: {_written(value, here, step, newline)}"
    inner = _nested(rest, value, here + step, step, newline)
    return f"{json.dumps(name)}: {{{newline}{here}{step}{inner}{newline}{here}}}"


def _inserted(text: str, owner: Node, member: str, indent: str, newline: str) -> str:
    members = owner.members or ()
    if not members:
        at = owner.start + 1
        return text[:at] + member + text[at:]
    last = members[-1]
    on_lines = "\n" in text[owner.start : last.start]
    lead = newline + _indent_of(text, last, indent) if on_lines else " "
    end = last.end if last.comma is None else last.comma + 1
    after = _comment_end(text, end) if on_lines else end
    # A file with commas at the end of its lists keeps to that.
    if last.comma is not None:
        return f"{text[:after]}{lead}{member},{text[after:]}"
    return f"{text[:end]},{text[end:after]}{lead}{member}{text[after:]}"


def _removed(text: str, owner: Node, name: str) -> str:
    members = owner.members or ()
    # Of a name that appears twice the last one counts, as in every JSON reader.
    at = next(index for index in reversed(range(len(members))) if members[index].name == name)
    member = members[at]
    end = member.end if member.comma is None else member.comma + 1
    if len(members) == 1:
        return text[: owner.start + 1] + text[end:]
    if at == 0:
        return _first_removed(text, member, end)
    before = members[at - 1]
    comma = before.comma if before.comma is not None else before.end
    after = _comment_end(text, comma + 1)
    if member.comma is None:  # the comma before it was made for it
        return text[:comma] + text[comma + 1 : after] + text[end:]
    return text[:after] + text[end:]


def _first_removed(text: str, member: Member, end: int) -> str:
    """Return the text without a member that others follow; comments above them are theirs and stay."""
    start = member.start - len(_indent_of(text, member, ""))
    line_end = _LINE_END.match(text, _comment_end(text, end))
    if text[start - 1 : start] == "\n" and line_end is not None:
        return text[:start] + text[line_end.end() :]
    return text[: member.start] + text[end:].lstrip(" \t\r\n")


def _comment_end(text: str, at: int) -> int:
    """Return the end of a comment that the rest of a line is, which belongs to the member before it."""
    comment = _COMMENT.match(text, at)
    return at if comment is None else comment.end()


def _was_made(text: str, node: Node) -> bool:
    """Say whether an object was made for its one member, which is on a line of its own."""
    if node.members is None or len(node.members) != 1:
        return False
    member = node.members[0]
    lead = text[node.start + 1 : member.start]
    tail = text[member.end : node.end - 1]
    return "\n" in lead and not lead.strip() and "\n" in tail and not tail.strip()


def _indent_of(text: str, member: Member, otherwise: str) -> str:
    # Not back to the start of the line: a hostile file has a million members on one.
    at = member.start
    while at > 0 and text[at - 1] in " \t":
        at -= 1
    return text[at : member.start] if text[at - 1 : at] == "\n" else otherwise


def _step(text: str, root: Node) -> str:
    """Return one level of indentation, as the file has it."""
    for member in root.members or ():
        indent = _indent_of(text, member, "")
        if indent:
            return indent
    return "  "
