"""JSON laid out for reading without changing a word of it.

Parsing and printing again would lose what an inspector is for: the second of two equal keys, `1.0e2`, the
way a string was escaped. So this works on the tokens of the text and only ever changes the space between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

MAX_DEPTH: Final = 64  # levels
MAX_OUTPUT: Final = 4_000_000  # characters

# Possessive quantifiers: the text is read once, whatever is in it.
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")
_BETWEEN: Final = frozenset(":,")
_SPACE: Final = re.compile(r"[ \t\r\n]++")
_OTHER: Final = re.compile(r'[^ \t\r\n"{}\[\]:,]++')
_NO_SPACE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^ \t\r\n"{}\[\]:,]++', re.DOTALL)


class TokenKind(StrEnum):
    """What a token is. `OTHER` is a number, a literal, or something that is not JSON at all."""

    STRING = "string"
    UNTERMINATED = "unterminated"
    PUNCTUATION = "punctuation"
    SPACE = "space"
    OTHER = "other"


class JsonToken(NamedTuple):
    """A piece of the text, exactly as it is there: joined, the tokens are the text."""

    kind: TokenKind
    text: str


def json_tokens(text: str) -> Iterator[JsonToken]:
    """Yield the tokens of any text, JSON or not. Never raises; linear in the length of `text`."""
    position = 0
    while position < len(text):
        first = text[position]
        if first == '"':
            match = _STRING.match(text, position)
            kind = TokenKind.STRING if match and match[1] else TokenKind.UNTERMINATED
        elif first in "{}[]:,":
            match, kind = None, TokenKind.PUNCTUATION
        elif match := _SPACE.match(text, position):
            kind = TokenKind.SPACE
        else:
            match, kind = _OTHER.match(text, position), TokenKind.OTHER
        end = match.end() if match else position + 1
        yield JsonToken(kind, text[position:end])
        position = end


def string_value(token: str) -> str:
    """Return the text that the JSON string `token` stands for; what cannot be read stands for itself."""
    closed = token if len(token) > 1 and token.endswith('"') else token + '"'
    try:
        value = json.loads(closed, strict=False)
    except ValueError:
        return token.strip('"')
    return value if isinstance(value, str) else token


def is_json(text: str) -> bool:
    """Return whether `text` is one JSON object or array."""
    if text.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return False
    try:
        # Numbers are left as text: an integer of a million digits is not worth converting.
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def pretty_json(text: str) -> str:
    """Lay out a JSON object or array with one member a line; return any other text as it is.

    Every token stays as the server wrote it. Text nested deeper than 64 levels, or that would grow beyond
    4,000,000 characters, stays as it is too.
    """
    if not is_json(text):
        return text
    out: list[str] = []
    size = depth = 0
    opened = False  # the last piece opened an object or array that is still empty
    newlines = [f"\n{'  ' * level}" for level in range(MAX_DEPTH + 1)]
    for match in _NO_SPACE.finditer(text):
        piece = match[0]
        begins = piece in _OPENING
        if piece in _CLOSING:
            depth -= 1
            piece = piece if opened else newlines[depth] + piece
        elif piece in _BETWEEN:
            piece = ": " if piece == ":" else piece + newlines[depth]
        elif opened:
            piece = newlines[depth] + piece
        opened = begins
        depth += begins
        size += len(piece)
        # Indentation makes 64 KiB of brackets many megabytes long.
        if size > MAX_OUTPUT or depth > MAX_DEPTH:
            return text
        out.append(piece)
    return "".join(out)
