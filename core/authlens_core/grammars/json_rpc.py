"""JSON-RPC 2.0 messages, and the lines in which a client and a server exchange them.

Sources: JSON-RPC 2.0 §4, §5 and its error codes (§5.1); RFC 8259 §8 (UTF-8, and unpaired surrogates);
Model Context Protocol 2025-11-25, Base Protocol (an id is a string or an integer, a result is an object) and
Transports, stdio (a line is one message, which has no line end in it). Batches (JSON-RPC 2.0 §6), which MCP
2025-06-18 removed, are refused.

A message that a strict reader could refuse, or read in another way, is never passed on: `NaN` and `Infinity`
are not JSON, and readers differ about half of a surrogate pair, about numbers that no double holds, and about
deep nesting. Of two members of one name the last counts, and only it is passed on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

from authlens_core.values.secret import Unprinted

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603

LONGEST: Final = 64 * 1024 * 1024  # bytes of one message
# Levels of arrays and objects. serde_json reads 127, jiter (the Python SDK of MCP) 200.
DEEPEST: Final = 100
# Python's `splitlines` and Node's `readline` end a line at these, and JSON may have them within a string.
_LINE_ENDS: Final = {end.encode(): f"\\u{ord(end):04x}".encode() for end in "\x85\u2028\u2029"}
_LARGEST: Final = sys.float_info.max
_LINES: Final = msgspec.json.Encoder()
_CONTAINERS: Final = (dict, list)  # a union would be made again for each value that is looked at

RequestId: TypeAlias = str | int


class NotJsonRpc(ValueError):
    """A text is not one message that can be passed on; the exception says why, without quoting it.

    Args:
        body: its members, if it has any.

    Attributes:
        code: of the error that says so.
        request_id: its id, where an answer can name it.
        is_call: whether it is meant as a request or a notification.
    """

    def __init__(self, reason: str, body: object = None, code: int = INVALID_REQUEST) -> None:
        super().__init__(reason)
        members = body if isinstance(body, dict) else {}
        self.code = code
        self.request_id = _nameable(members.get("id"))
        self.is_call = "method" in members


class JsonRpcMessage(Unprinted, Struct, frozen=True):
    """One message that every reader reads alike.

    Attributes:
        body: its members.
        line: the same as one line of UTF-8, with the line end.
        request_id: None for a notification, and for an error to a request whose id could not be read.
        method: None for a response.
    """

    body: Mapping[str, Any]
    line: bytes
    request_id: RequestId | None
    method: str | None

    @property
    def is_request(self) -> bool:
        return self.method is not None and self.request_id is not None

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters, where they are an object."""
        params = self.body.get("params")
        return params if isinstance(params, dict) else {}


class _Error(Struct):
    code: int
    message: str


class _Members(Struct):
    jsonrpc: Literal["2.0"]
    id: str | int | UnsetType | None = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Any] | list[Any] | UnsetType = UNSET
    result: dict[str, Any] | UnsetType = UNSET
    error: _Error | UnsetType = UNSET


def read_message(text: str | bytes | bytearray) -> JsonRpcMessage:
    """Return the message in a line or a body.

    Raises:
        NotJsonRpc: it is something else.
    """
    if len(text) > LONGEST:
        raise NotJsonRpc(f"it is longer than {LONGEST:,} bytes")
    body = _parsed(text)
    try:
        members = msgspec.convert(body, _Members)
    except msgspec.ValidationError as error:
        # It names members and types, never a value.
        raise NotJsonRpc(str(error), body) from None
    request_id = None if members.id is UNSET else members.id
    # With two of them, one reader takes it for a call and another one for an answer.
    if (members.method, members.result, members.error).count(UNSET) != 2:
        raise NotJsonRpc("it does not have exactly one of method, result and error", body)
    # An error to what could not be read has no id, or null (JSON-RPC 2.0 §5), and a notification has none.
    needs_id = members.result is not UNSET or (members.method is not UNSET and "id" in body)
    if needs_id and request_id is None:
        raise NotJsonRpc("its id is neither a string nor an integer", body)
    method = None if members.method is UNSET else members.method
    return JsonRpcMessage(body, _line_of(body), request_id, method)


def error_in(text: bytes | bytearray) -> Mapping[str, Any] | None:
    """Return the member `error` of a JSON object, or None if it has none.

    Servers refuse a request with such an object and leave out `jsonrpc` or the id.
    """
    with suppress(NotJsonRpc, msgspec.ValidationError):
        error = _parsed(text).get("error")
        msgspec.convert(error, _Error)
        return error if isinstance(error, dict) else None
    return None


def error_line(request_id: RequestId | None, code: int, message: str, data: object = None) -> bytes:
    """Return an error response as a line; `data` is left out where it is None."""
    error = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return _line_of({"jsonrpc": "2.0", "id": request_id, "error": error})


async def lines_in(chunks: AsyncIterator[bytes], longest: int = LONGEST) -> AsyncIterator[bytearray]:
    """Yield the lines of a stream without their ends; one that is too long is cut one byte behind `longest`.

    They end in LF alone: CR before it is a space of JSON's. The last one may lack its end.
    """
    line = bytearray()
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        line += first[: longest + 1 - len(line)]
        for piece in others:
            yield line
            line = bytearray(piece[: longest + 1])
    if line:
        yield line


def _parsed(text: str | bytes | bytearray) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise NotJsonRpc(
            "it is not JSON that every reader accepts", _read_loosely(text), PARSE_ERROR
        ) from None
    if not isinstance(body, dict):
        raise NotJsonRpc("it is not a JSON object")
    _require_limits(body)
    return body


def _read_loosely(text: str | bytes | bytearray) -> object:
    """Return a text with NaN or half of a surrogate pair in it: its sender waits for an answer, too."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def _require_limits(body: Mapping[str, Any]) -> None:
    """Refuse what has more than `DEEPEST` levels, or integers that some readers take for Infinity."""
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        values = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if any(isinstance(value, int) and abs(value) > _LARGEST for value in values):
            raise NotJsonRpc("a number in it is too large to hold", body)
        level = [value for value in values if isinstance(value, _CONTAINERS)]
        if not level:
            return
    raise NotJsonRpc(f"it has more than {DEEPEST} levels", body)


def _nameable(request_id: object) -> RequestId | None:
    """Return an id that an answer can name; None for any other value."""
    if isinstance(request_id, str) and request_id.isprintable():
        return request_id
    if isinstance(request_id, int) and not isinstance(request_id, bool) and abs(request_id) <= _LARGEST:
        return request_id
    return None


def _line_of(body: Mapping[str, Any]) -> bytes:
    # Not by the standard library, which holds a large message in three forms more.
    line = _LINES.encode_lines((body,))
    for character, escaped in _LINE_ENDS.items():
        line = line.replace(character, escaped)
    return line
