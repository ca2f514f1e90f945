"""Server-sent events, read as they arrive.

Source: WHATWG HTML Living Standard §9.2.5 (the stream), §9.2.6 (how a client reads it). An event that the
stream breaks off in is discarded. What the standard leaves open is bounded here: the bytes of one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from authlens_core.values.quick_dataclass import dataclass

# Bytes of one event that are held.
LARGEST_EVENT: Final = 64 * 1024 * 1024
_LINE_END: Final = re.compile(rb"\r\n?|\n")
# The type of an event that names none, or names it empty.
MESSAGE: Final = "message"


class EventTooLarge(Exception):
    """One event is larger than what is held."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
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
            for line in self._lines():
                if line:
                    self._field(line)
                else:
                    yield from self._dispatched()
        if self._size + len(self._text) > self._largest:
            raise EventTooLarge

    def _dispatched(self) -> Iterator[ServerEvent]:
        if self._data or self._event_id is not None or self._retry is not None:
            yield ServerEvent("\n".join(self._data), self._name, self._event_id, self._retry)
        self._start()

    def _lines(self) -> Iterator[str]:
        text, self._text, start = self._text, bytearray(), 0
        view = memoryview(text)
        for ending in _LINE_END.finditer(text):
            if ending[0] == b"\r" and ending.end() == len(text):
                break  # whether a LF follows is not known yet
            self._size += ending.end() - start
            if self._size > self._largest:
                raise EventTooLarge
            line = str(view[start : ending.start()], "utf-8", "replace")
            # A byte order mark at the start of the stream is no part of its first line.
            if self._first:
                self._first, line = False, line.removeprefix("\ufeff")
            yield line
            start = ending.end()
        self._text += view[start:]

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value or MESSAGE
        elif name == "id" and "\0" not in value:
            self._event_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            # Nine digits are eleven days, and an `int` that no server can make large.
            self._retry = int(value[:9])
