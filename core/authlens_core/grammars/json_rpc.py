"""JSON-RPC 2.0 messages, and the lines in which a client and a server exchange them.

Sources: JSON-RPC 2.0 §4 to §6 and its error codes (§5.1); RFC 8259 §8 (UTF-8, and surrogates that are no
pair); Model Context Protocol 2025-11-25, Base Protocol (an id is a string or an integer, a result is an
object) and Transports, stdio (a line is one message, which has no line end in it).

A message that a strict reader could refuse, or read in another way, is a `BrokenMessage`: it is never passed
on. `NaN` and `Infinity` are not JSON, and readers differ about half of a surrogate pair, about numbers that
no double holds, and about deep nesting. Of two members of one name the last counts, and only it is passed on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from authlens_core.values.unprinted import Unprinted

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603

LONGEST_LINE: Final = 64 * 1024 * 1024  # bytes of one message
MOST_IN_A_BATCH: Final = 1_000
# Levels of arrays and objects. serde_json reads 127, jiter (the Python SDK of MCP) 200.
DEEPEST: Final = 100
# Python's `splitlines` and Node's `readline` end a line at these, and JSON may have them within a string.
_LINE_ENDS: Final = {end.encode(): f"\\u{ord(end):04x}".encode() for end in "\x85\u2028\u2029"}
# A double holds numbers of up to 309 digits. Some readers refuse a larger integer, others read Infinity.
_LARGE: Final = re.compile(rb"\d{309}")
_NO_NUMBER: Final = "a number in it is NaN, or too large to hold"
_LINES: Final = msgspec.json.Encoder()
_CONTAINERS: Final = (dict, list)  # a union would be made again for each value that is looked at

RequestId: TypeAlias = str | int


class NotJsonRpc(ValueError):
    """A line or a body is not a JSON object, nor a list of them; the message says why, without quoting it."""


class MessageKind(StrEnum):
    """What a message is (JSON-RPC 2.0 §4 and §5)."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    RESULT = "result"
    ERROR = "error"


class JsonRpcMessage(Unprinted, Struct, frozen=True):
    """One message that every reader reads alike.

    Attributes:
        body: its members.
        line: the same as one line of UTF-8, with the line end.
        request_id: None for a notification, and for an error to a request whose id could not be read.
    """

    kind: MessageKind
    body: Mapping[str, Any]
    line: bytes
    request_id: RequestId | None

    @property
    def method(self) -> str | None:
        """The method of a request or a notification."""
        method: str | None = self.body.get("method")
        return method

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters, where they are an object."""
        params = self.body.get("params")
        return params if isinstance(params, dict) else {}

    @property
    def result(self) -> Mapping[str, Any]:
        result = self.body.get("result")
        return result if isinstance(result, dict) else {}

    @property
    def is_response(self) -> bool:
        return self.kind in (MessageKind.RESULT, MessageKind.ERROR)

    def answers(self, request_id: RequestId | None) -> bool:
        """Return whether this is the response to a request; `1` and `"1"` are two ids."""
        return self.is_response and _same(self.request_id, request_id)


class BrokenMessage(Struct, frozen=True):
    """A JSON object that is not passed on.

    Attributes:
        reason: what is wrong, as the end of a sentence, without quoting the message.
        request_id: its id, where it has one that an answer can name.
        names_a_method: whether it is meant as a request or a notification.
    """

    reason: str
    request_id: RequestId | None = None
    names_a_method: bool = False

    def answers(self, request_id: RequestId | None) -> bool:
        """Return whether this is meant as the response to a request."""
        return not self.names_a_method and _same(self.request_id, request_id)


class LineTooLong(Struct, frozen=True):
    """Takes the position of a line that is longer than what is held."""


def read_messages(text: str | bytes | bytearray) -> tuple[JsonRpcMessage | BrokenMessage, ...]:
    """Return the messages of a line or a body: one, or those of a batch.

    Args:
        text: a bytearray is emptied once it is read, because a large one is held in several forms already. A
            text that the caller does not hold goes then, too.

    Raises:
        NotJsonRpc: it is something else.
    """
    value = _parsed(text)
    del text
    bodies = value if isinstance(value, list) else [value]
    if not bodies:
        raise NotJsonRpc("it is an empty list")
    if len(bodies) > MOST_IN_A_BATCH:
        raise NotJsonRpc(f"it is a list of more than {MOST_IN_A_BATCH:,} messages")
    if not all(isinstance(body, dict) for body in bodies):
        raise NotJsonRpc("it is not a JSON object")
    return tuple(message_of(body) for body in bodies)


def error_in(text: bytes | bytearray) -> JsonRpcMessage | None:
    """Return the member `error` of a JSON object as an error without an id, or None where there is none.

    Servers refuse a request with such an object and leave out `jsonrpc` or the id.
    """
    try:
        value = _parsed(text)
    except NotJsonRpc:
        return None
    if not isinstance(value, dict):
        return None
    message = message_of({"jsonrpc": "2.0", "id": None, "error": value.get("error")})
    return message if isinstance(message, JsonRpcMessage) else None


def message_of(body: Mapping[str, Any]) -> JsonRpcMessage | BrokenMessage:
    """Return a JSON object as a message."""
    request_id = body.get("id")
    known = request_id if _is_id(request_id) else None
    kind = _kind(body)
    if isinstance(kind, MessageKind):
        try:
            return JsonRpcMessage(kind, body, _line_of(body), known)
        except NotJsonRpc as broken:
            kind = str(broken)
    return BrokenMessage(kind, known if _is_writable(known) else None, "method" in body)


def error_line(request_id: RequestId | None, code: int, message: str, data: object = None) -> bytes:
    """Return an error response as a line; `data` is left out where it is None.

    Raises:
        NotJsonRpc: the message or the data cannot be written.
    """
    error = {"code": code, "message": message, **({} if data is None else {"data": data})}
    return _line_of({"jsonrpc": "2.0", "id": request_id, "error": error})


class LineReader:
    """Cuts standard input into lines. They end in LF alone; CR before it is a space of JSON's.

    Args:
        longest: bytes of a line that are held.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[bytes | LineTooLong]:
        """Yield the lines that end in this chunk, without their ends."""
        *pieces, last = chunk.split(b"\n")
        for piece in pieces:
            self._add(piece)
            yield self._taken()
        self._add(last)

    def end(self) -> Iterator[bytes | LineTooLong]:
        """Yield the last line, where it has no end."""
        if self._rest or self._too_long:
            yield self._taken()

    def _add(self, piece: bytes) -> None:
        if self._too_long or len(self._rest) + len(piece) > self._longest:
            self._too_long = True
            self._rest.clear()
        else:
            self._rest += piece

    def _taken(self) -> bytes | LineTooLong:
        line = LineTooLong() if self._too_long else bytes(self._rest)
        self._rest.clear()
        self._too_long = False
        return line


async def lines_in(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | LineTooLong]:
    """Yield the lines of a stream that comes in chunks, the last one too where it has no end."""
    reader = LineReader()
    async for chunk in chunks:
        for line in reader.feed(chunk):
            yield line
    for line in reader.end():
        yield line


def _parsed(text: str | bytes | bytearray) -> Any:
    try:
        if isinstance(text, str):
            return json.loads(text)
        # Not by the standard library, which also reads UTF-16 and UTF-32. A byte order mark is ignored
        # (RFC 8259 §8.1).
        decoded = text.decode("utf-8").removeprefix("\ufeff")
        if isinstance(text, bytearray):
            text.clear()
        return json.loads(decoded)
    except UnicodeDecodeError:
        raise NotJsonRpc("it is not UTF-8") from None
    except RecursionError:
        raise NotJsonRpc(f"it has more than {DEEPEST} levels") from None
    except ValueError:
        raise NotJsonRpc("it is not JSON") from None


def _line_of(body: Mapping[str, Any]) -> bytes:
    # Not by the standard library, which holds a large message in three forms more.
    _require_readable(body)
    try:
        line = _LINES.encode_lines((body,))
        if _LARGE.search(line):  # a string may have as many digits as it likes
            json.loads(line, parse_int=_as_a_double)
    except UnicodeEncodeError:
        raise NotJsonRpc("a string in it has half of a surrogate pair") from None
    except ValueError:
        raise NotJsonRpc(_NO_NUMBER) from None
    for character, escaped in _LINE_ENDS.items():
        line = line.replace(character, escaped)
    return line


def _as_a_double(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(digits)
    return value


def _is_writable(request_id: RequestId | None) -> bool:
    """Return whether an answer can name the id of a request that is not passed on."""
    try:
        return bool(_line_of({"id": request_id}))
    except NotJsonRpc:
        return False


def _require_readable(body: Mapping[str, Any]) -> None:
    """Refuse what has more than `DEEPEST` levels, or NaN or Infinity, which msgspec would write as null.

    Raises:
        NotJsonRpc: with the reason.
    """
    level: list[Any] = [body]
    for _ in range(DEEPEST):
        values = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not all(math.isfinite(value) for value in values if isinstance(value, float)):
            raise NotJsonRpc(_NO_NUMBER)
        level = [value for value in values if isinstance(value, _CONTAINERS)]
        if not level:
            return
    raise NotJsonRpc(f"it has more than {DEEPEST} levels")


def _kind(body: Mapping[str, Any]) -> MessageKind | str:
    """Return the kind of a message, or what is wrong with its members."""
    if body.get("jsonrpc") != "2.0":
        return "it is not marked as JSON-RPC 2.0"
    named = [name for name in ("method", "result", "error") if name in body]
    # With two of them, one reader takes it for a call and another one for an answer.
    if len(named) != 1:
        return "it does not have exactly one of method, result and error"
    if named == ["method"]:
        return _kind_of_call(body)
    return _kind_of_response(body)


def _kind_of_call(body: Mapping[str, Any]) -> MessageKind | str:
    if not isinstance(body["method"], str):
        return "its method is not a string"
    if not isinstance(body.get("params", {}), dict | list):
        return "its params are neither an object nor a list"
    if "id" not in body:
        return MessageKind.NOTIFICATION
    return MessageKind.REQUEST if _is_id(body["id"]) else "its id is neither a string nor an integer"


def _kind_of_response(body: Mapping[str, Any]) -> MessageKind | str:
    if "result" in body:
        if not isinstance(body["result"], dict):
            return "its result is not an object"
        return MessageKind.RESULT if _is_id(body.get("id")) else "its id is neither a string nor an integer"
    error = body["error"]
    if not (
        isinstance(error, dict) and _is_integer(error.get("code")) and isinstance(error.get("message"), str)
    ):
        return "its error has no integer code or no message"
    # An error to what could not be read has no id, or null (JSON-RPC 2.0 §5).
    known = body.get("id") is None or _is_id(body["id"])
    return MessageKind.ERROR if known else "its id is neither a string nor an integer"


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(value: object) -> bool:
    return isinstance(value, str) or _is_integer(value)


def _same(first: RequestId | None, other: RequestId | None) -> bool:
    return other is not None and type(first) is type(other) and first == other
