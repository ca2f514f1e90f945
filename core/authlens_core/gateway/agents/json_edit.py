"""JSON with comments and trailing commas: an edit of one value keeps every other byte.

No library of Python edits such a file without rewriting it, and people write comments into these files. The
standard library reads it once all that is no JSON is blank: a value is at the same place in both texts. What
`with_member` writes tells `without_member` what was there before: an object that was made for the member
has its member on a line of its own, and one that was there and empty has it on the same line.

"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from authlens_core.values.quick_dataclass import dataclass

# Possessive (`++`): a hostile file must not have every way to divide it tried.
_SKIP: Final = r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?s:.*?)\*/)*+"
_SKIPPED: Final = re.compile(_SKIP)
_SPACE: Final = re.compile(r"[ \t\r\n]*+")
# Comments, and a comma before the end of an object or array. A string stays, and a comma with nothing before
# it, which is a mistake. Python reads NaN and Infinity, which JSON has not.
_NOT_JSON: Final = re.compile(
    r'(?P<stays>"(?:[^"\\]++|\\(?s:.))*+"?|[\[{]' + _SKIP + r",|/\*(?!(?s:.*?)\*/)(?s:.*))"
    r"|//[^\n]*+|/\*(?s:.*?)\*/|,(?=" + _SKIP + r"[\]}])|(?P<no_number>NaN|Infinity)"
)
# Only one that ends its line: what has something behind it belongs to that.
_COMMENT: Final = re.compile(r"[ \t]*(?://[^\r\n]*|/\*(?:(?!\*/)[^\r\n])*\*/)(?=[ \t]*\r?\n)")
_LINE_END: Final = re.compile(r"[ \t]*\r?\n")


class JsonSpanError(ValueError):
    """The text is not JSON, not even with comments and trailing commas."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object, and where it is in the text.

    Attributes:
        end: where its value ends, without a comma.
        comma: where the comma after it is, or None.
    """

    name: str
    start: int
    value_start: int
    end: int
    comma: int | None


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object, and where it is in the text."""

    start: int
    end: int
    members: tuple[Member, ...]

    def member(self, name: str) -> Member | None:
        """Return the last member of this name, which is the one that readers take."""
        return next((member for member in reversed(self.members) if member.name == name), None)


_DECODER: Final = json.JSONDecoder()


def _blank(part: re.Match[str]) -> str:
    # What is open at the end of the text stays whole, so that it is read once and refused.
    if part["stays"]:
        return part[0]
    return ("?" if part["no_number"] else " ") * len(part[0])


class JsonText:
    """The one value in a text.

    Raises:
        JsonSpanError: with the line and what is wrong there.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = _NOT_JSON.sub(_blank, text)
        # Editors on Windows put a mark there, which is no part of the JSON (RFC 8259 §8.1).
        self._start = self._next(1 if text.startswith("\ufeff") else 0)
        try:
            self.value, end = _DECODER.raw_decode(self._plain, self._start)
            if self._next(end) < len(text):
                raise json.JSONDecodeError("Something follows the value", text, end)
        except json.JSONDecodeError as error:
            line = text.count("\n", 0, error.pos) + 1
            raise JsonSpanError(f"line {line}: {error.msg[:1].lower()}{error.msg[1:]}") from None
        except (ValueError, RecursionError):
            raise JsonSpanError("a number in it is none, or it is nested too deeply") from None

    def _next(self, at: int) -> int:
        space = _SPACE.match(self._plain, at)
        return at if space is None else space.end()

    def _comma(self, at: int) -> int | None:
        """Return where the comma is that comes next, and that may be one too many."""
        skipped = _SKIPPED.match(self._text, at)
        at = at if skipped is None else skipped.end()
        return at if self._text[at : at + 1] == "," else None

    def object(self, member: Member | None = None) -> JsonObject:
        """Return the value of a member, or the whole, as an object.

        Raises:
            JsonSpanError: it is not one.
        """
        start = self._start if member is None else member.value_start
        if self._plain[start] != "{":
            raise JsonSpanError("the list of servers is not an object")
        members: list[Member] = []
        at = self._next(start + 1)
        while self._plain[at] != "}":
            name, end = _DECODER.raw_decode(self._plain, at)
            value_start = self._next(self._next(end) + 1)  # behind the colon
            end = _DECODER.raw_decode(self._plain, value_start)[1]
            comma = self._comma(end)
            members.append(Member(name, at, value_start, end, comma))
            at = self._next(end if comma is None else comma + 1)
        return JsonObject(start, at + 1, tuple(members))


def member_at(text: str, path: Sequence[str]) -> Any:
    """Return the value at a path, or None.

    Raises:
        JsonSpanError: the text is not JSON, or a value on the way is not an object.
    """
    if not text.strip("\ufeff \t\r\n"):
        return None
    value = JsonText(text).value
    for name in path:
        if not isinstance(value, dict):
            raise JsonSpanError("the list of servers is not an object")
        value = value.get(name)
        if value is None:
            return None
    return value


def with_member(text: str, path: Sequence[str], value: Any) -> str:
    """Return `text` with `value` at `path`; objects on the way are made.

    Raises:
        JsonSpanError: as `member_at`.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    if not text.strip("\ufeff \t\r\n"):
        made = _nested(path, value, "", "  ", newline)
        return f"{text}{{{newline}  {made}{newline}}}{newline}"
    whole = JsonText(text)
    owner, indent = whole.object(), ""
    step = _step(text, owner)
    for depth, name in enumerate(path):
        member = owner.member(name)
        if member is None:
            made = _nested(path[depth:], value, indent + step, step, newline)
            return _inserted(text, owner, made, indent + step, newline)
        indent = _indent_of(text, member, indent + step)
        if depth == len(path) - 1:
            written = _written(value, indent, step, newline)
            return text[: member.value_start] + written + text[member.end :]
        owner = whole.object(member)
    return text


def without_member(text: str, path: Sequence[str]) -> str:
    """Return `text` without the member at `path`, and without the objects that were made for it.

    Raises:
        JsonSpanError: as `member_at`.
    """
    if member_at(text, path) is None:
        return text
    whole = JsonText(text)
    owners = [whole.object()]
    for name in path[:-1]:
        owners.append(whole.object(owners[-1].member(name)))
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


def _inserted(text: str, owner: JsonObject, member: str, indent: str, newline: str) -> str:
    members = owner.members
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


def _removed(text: str, owner: JsonObject, name: str) -> str:
    members = owner.members
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


def _was_made(text: str, owner: JsonObject) -> bool:
    """Say whether an object was made for its one member, which is on a line of its own."""
    if len(owner.members) != 1:
        return False
    member = owner.members[0]
    lead = text[owner.start + 1 : member.start]
    tail = text[member.end : owner.end - 1]
    return "\n" in lead and not lead.strip() and "\n" in tail and not tail.strip()


def _indent_of(text: str, member: Member, otherwise: str) -> str:
    # Not back to the start of the line: a hostile file has a million members on one.
    at = member.start
    while at > 0 and text[at - 1] in " \t":
        at -= 1
    return text[at : member.start] if text[at - 1 : at] == "\n" else otherwise


def _step(text: str, root: JsonObject) -> str:
    """Return one level of indentation, as the file has it."""
    for member in root.members:
        indent = _indent_of(text, member, "")
        if indent:
            return indent
    return "  "
