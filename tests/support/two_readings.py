"""Bytes of HTTP/1.1 read in the two ways that request smuggling plays against each other.

A lenient reader takes what it finds: LF alone ends a line, the first of two lengths counts, names are taken
without what is around them. One believes `Content-Length`, the other `Transfer-Encoding`. A sender that is
careful writes bytes in which both find the same messages.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"\r?\n")


@dataclass(frozen=True)
class Message:
    """A request or an answer.

    Attributes:
        start: the request line or the status line.
        fields: names in lower case, in order.
        complete: whether all of its body came.
    """

    start: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes
    complete: bool = True

    def all_of(self, name: bytes) -> list[bytes]:
        return [value for found, value in self.fields if found == name]

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]


def read_messages(data: bytes, *, length_first: bool, bodiless: bool = False) -> Iterator[Message]:
    """Yield what a reader finds that believes one of the two framings first.

    Args:
        bodiless: answers to HEAD, which have no body whatever their fields say.
    """
    while data:
        head = _BLANK_LINE.search(data)
        if head is None:
            yield Message(data, (), b"", complete=False)
            return
        start, *lines = _LINE.split(data[: head.start()])
        fields = tuple(
            (name.strip().lower(), value.strip())
            for name, _, value in (line.partition(b":") for line in lines)
        )
        data = data[head.end() :]
        message = Message(start, fields, b"")
        chunked = any(b"chunked" in value.lower() for value in message.all_of(b"transfer-encoding"))
        lengths = message.all_of(b"content-length")
        if bodiless or re.match(rb"HTTP/1\.\d (1\d\d|204|304)\b", start):
            yield message
        elif lengths and (length_first or not chunked):
            size = int(re.match(rb"\d*", lengths[0])[0] or b"0")  # type: ignore[index] # it always matches
            yield Message(start, fields, data[:size], len(data) >= size)
            data = data[size:]
        elif chunked:
            body, rest, complete = _dechunked(data)
            yield Message(start, fields, body, complete)
            data = rest
        elif start.startswith(b"HTTP/"):
            yield Message(start, fields, data)
            return
        else:
            yield message


def both_readings(data: bytes, *, bodiless: bool = False) -> list[Message]:
    """Return the messages in which both readers agree; fails where they do not."""
    by_length = list(read_messages(data, length_first=True, bodiless=bodiless))
    by_coding = list(read_messages(data, length_first=False, bodiless=bodiless))
    assert by_length == by_coding, f"two readings of {data!r}"
    return by_length


def _dechunked(data: bytes) -> tuple[bytes, bytes, bool]:
    body = b""
    while True:
        line, found, rest = data.partition(b"\n")
        size = re.match(rb"\s*([0-9a-fA-F]+)", line)
        if not found or size is None:
            return body, b"", False
        length = int(size[1], 16)
        if length == 0:
            end = _BLANK_LINE.search(b"\r\n" + rest)
            return (body, rest[end.end() - 2 :], True) if end else (body, b"", False)
        body += rest[:length]
        if len(rest) < length + 2:
            return body, b"", False
        data = rest[length:].lstrip(b"\r\n")


PLACE_FIELDS: Final = (
    "Destination",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-URI",
    "X-Override-URL",
    "X-Envoy-Original-Path",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Proxy-URL",
    "X-HTTP-DestinationURL",
    "X-Accel-Redirect",
    "x_original_url",
)
