"""JSON documents (RFC 8259): one text has one meaning, or it is refused.

The standard library parses. It takes the last of two equal keys (§4), NaN (§6) and half of a surrogate pair
(§8.2), turns 1e400 into infinity, and fails with a RecursionError on a deep document. A server may use each
of these to show us one thing and mean another.

Read elsewhere: stored records by their types (`credentials.records.record_json`), messages of an MCP client
and its server, which need an answer even if they are broken (`json_rpc`), and what is only shown, mistakes
included (`export.pretty_json`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from authlens_core.values.safe_text import NAME, safe_line

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

# Parsers differ in the depth at which they give up; documents of OAuth have four levels.
MAX_DEPTH: Final = 64
MAX_MEMBERS: Final = 10_000
MAX_STRING: Final = 256 * 1024  # characters: as long as the longest body that is read
MAX_DIGITS: Final = 40

_BOM: Final = b"\xef\xbb\xbf"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class JsonRefused(ValueError):
    """The bytes are not one strict JSON document; the message says why, and is safe to show."""


def load_object(data: bytes, *, large: bool = False) -> dict[str, JsonValue]:
    """Return the object that `data` holds.

    Raises:
        JsonRefused: if `data` is not one strict JSON document, or its top level is not an object.
    """
    value = load_json(data, large=large)
    if not isinstance(value, dict):
        raise JsonRefused("the document is not an object")
    return value


def object_in(data: bytes) -> dict[str, JsonValue]:
    """Return what `load_object` returns, or an empty object for what it refuses."""
    try:
        return load_object(data)
    except JsonRefused:
        return {}


def load_json(data: bytes, *, large: bool = False) -> JsonValue:
    """Return the value that `data` holds, read in linear time.

    UTF-8 only, with or without a byte order mark. No duplicate keys, no NaN or infinity, no half of a
    surrogate pair, nothing after the value; at most 64 levels, 10,000 members and elements, 262,144
    characters a string, 40 digits a number.

    Args:
        large: lift the limits on members and strings, for a file whose size the caller bounds.

    Raises:
        JsonRefused: if `data` breaks one of these rules; it says which, and where the syntax ends.
    """
    skipped = len(_BOM) if data.startswith(_BOM) else 0
    try:
        text = data[skipped:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonRefused(f"not UTF-8 at byte {skipped + error.start}") from None
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        position = skipped + len(text[: error.pos].encode("utf-8"))
        raise JsonRefused(f"{_reason(text, error)} at byte {position}") from None
    except RecursionError:
        raise JsonRefused(f"more than {MAX_DEPTH} levels") from None
    _require_limits(value, large=large)
    return value


def _reason(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip(" \t\r\n"):
        return "the document is empty"
    reason = error.msg.rstrip(": ").removesuffix(" at")
    return safe_line(reason[:1].lower() + reason[1:])


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members: dict[str, JsonValue] = {}
    for key, value in pairs:
        # RFC 8259 §4 leaves open which one counts. Two programs that choose differently read two documents,
        # such as a check that sees one issuer and a login that uses the other.
        if key in members:
            raise JsonRefused(f'duplicate key "{safe_line(key, NAME)}"')
        members[key] = value
    return members


def _integer(literal: str) -> int:
    _require_digits(literal)
    return int(literal)


def _finite(literal: str) -> float:
    _require_digits(literal)
    number = float(literal)
    # 1e999 is valid JSON and becomes infinity, which no later comparison with a time expects.
    if math.isinf(number):
        raise JsonRefused("a number too large to hold")
    return number


def _require_digits(literal: str) -> None:
    # int() takes time that grows with the square of the digits (CVE-2020-10735).
    if len(literal) > MAX_DIGITS and sum(map(str.isdigit, literal)) > MAX_DIGITS:
        raise JsonRefused(f"a number of more than {MAX_DIGITS} digits")


def _refuse_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity by default; other programs refuse the document.
    raise JsonRefused(f"{name}, which is not JSON")


def _require_limits(value: JsonValue, *, large: bool) -> None:
    """Refuse a value that is too deep or too large, or that has text which is not Unicode, level by level."""
    # Not recursive: the depth of the document would be that of the stack.
    level: list[JsonValue] = [value]
    members = 0
    for depth in range(MAX_DEPTH + 1):
        below: list[JsonValue] = []
        for item in level:
            if isinstance(item, str):
                _require_text(item, large=large)
                continue
            if not isinstance(item, dict | list):
                continue
            if depth == MAX_DEPTH:
                raise JsonRefused(f"more than {MAX_DEPTH} levels")
            members += len(item)
            below += item
            if isinstance(item, dict):
                below += item.values()
        if members > MAX_MEMBERS and not large:
            raise JsonRefused(f"more than {MAX_MEMBERS} members")
        level = below


def _require_text(text: str, *, large: bool) -> None:
    if len(text) > MAX_STRING and not large:
        raise JsonRefused(f"a string of more than {MAX_STRING} characters")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise JsonRefused("half of a surrogate pair in a string") from None


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
