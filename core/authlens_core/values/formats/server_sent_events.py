"""Server-sent events, read as they arrive.

Source: WHATWG HTML Living Standard §9.2.5 (the stream), §9.2.6 (how a client reads it). An event that the
stream breaks off in is discarded. What the standard leaves open is bounded here: the bytes of one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

# Bytes of one event that are held.
LARGEST_EVENT: Final = 64 * 1024 * 1024
_LINE_END: Final = re.compile(rb"\r\n?|\n")
_MARK: Final = "\ufeff".encode()
# The type of an event that names none, or names it empty.
MESSAGE: Final = "message"


class EventTooLarge(Exception):
    """One event is larger than what is held."""


class ServerEvent(Struct, frozen=True):
    """One event.

    Attributes:
        data: its lines, joined; empty for an event that only carries an id or a time.
        name: its type.
        event_id: the id that a client resumes after; empty where the server takes it back, None where the
            event has none.
        retry: milliseconds to wait before a reconnection, or None.
    """

    data: str
    name: str = MESSAGE
    event_id: str | None = None
    retry: int | None = None


class EventReader:
    """Turns chunks into events; lines end in LF, CR LF or CR, also across chunks.

    Args:
        largest: bytes of one event.
    """

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._largest = largest
        self._text = bytearray()
        self._first = True
        self._start()

    def _start(self) -> None:
        self._size = 0
        self._data: list[str] = []
        self._name = MESSAGE
        self._event_id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that are complete with this chunk.

        Raises:
            EventTooLarge: an event has no end.
        """
        self._text += chunk
        # A long line grows without being searched again from its start.
        if b"\n" in chunk or b"\r" in chunk or self._text.startswith(b"\r"):
            # Read to the end first: the bytes of a large event are not held beside its text.
            events = self._read()
            events.reverse()
            while events:
                yield events.pop()
        if self._size + len(self._text) > self._largest:
            raise EventTooLarge

    def _dispatched(self) -> Iterator[ServerEvent]:
        if self._data or self._event_id is not None or self._retry is not None:
            yield ServerEvent("\n".join(self._data), self._name, self._event_id, self._retry)
        self._start()

    def _read(self) -> list[ServerEvent]:
        """Take the whole lines, and return the events that end with them."""
        events: list[ServerEvent] = []
        text, self._text, start = self._text, bytearray(), 0
        view = memoryview(text)
        for ending in _LINE_END.finditer(text):
            if ending[0] == b"\r" and ending.end() == len(text):
                break  # whether a LF follows is not known yet
            self._size += ending.end() - start
            if self._size > self._largest:
                return events  # what ended before it counts; then `feed` refuses it
            # A byte order mark at the start of the stream is no part of its first line.
            if self._first and text.startswith(_MARK):
                start = len(_MARK)
            self._first = False
            if start < ending.start():
                self._field(text, start, ending.start())
            else:
                events += self._dispatched()
            start = ending.end()
        self._text += view[start:]
        return events

    def _field(self, text: bytearray, start: int, end: int) -> None:
        colon = text.find(b":", start, end)
        name = str(text[start : end if colon < 0 else colon], "utf-8", "replace")
        first = end if colon < 0 else colon + 1
        first += text.startswith(b" ", first, end)
        # Of the bytes themselves: what is cut from a text would be a copy of it.
        value = str(memoryview(text)[first:end], "utf-8", "replace")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value or MESSAGE
        elif name == "id" and "\0" not in value:
            self._event_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            # Nine digits are eleven days, and an `int` that no server can make large.
            self._retry = int(value[:9])
