"""Server-sent events, read as they arrive (WHATWG HTML §9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from authlens_core.quick_dataclass import dataclass

# Bytes of one event that are held.
_LARGEST: Final = 64 * 1024 * 1024
_LINE_END: Final = re.compile(rb"\r\n?|\n")


class EventTooLarge(Exception):
    """One event is larger than what is held."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        data: its lines, joined; empty for an event that only carries an id.
        name: its type.
        event_id: the id that a client resumes after; None where the event has none.
        retry: milliseconds to wait before a reconnection, or None.
    """

    data: str
    name: str = "message"
    event_id: str | None = None
    retry: int | None = None


class EventReader:
    """Turns chunks into events; lines end in LF, CR LF or CR, also across chunks."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._size = 0
        self._start()
        self._first = True

    def _start(self) -> None:
        self._data: list[str] = []
        self._name = "message"
        self._event_id: str | None = None
        self._retry: int | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Yield the events that are complete with this chunk.

        Raises:
            EventTooLarge: an event has no end.
        """
        self._text += chunk
        if self._size + len(self._text) > _LARGEST:
            raise EventTooLarge
        if b"\n" not in chunk and b"\r" not in chunk and not self._text.startswith(b"\r"):
            return  # a long line grows without being searched again from its start
        for line in self._lines():
            if line:
                self._size += len(line)
                self._field(line)
            elif self._data or self._event_id is not None or self._retry is not None:
                yield ServerEvent("\n".join(self._data), self._name, self._event_id, self._retry)
                self._start()
                self._size = 0

    def _lines(self) -> Iterator[str]:
        text, start = bytes(self._text), 0
        for ending in _LINE_END.finditer(text):
            if ending[0] == b"\r" and ending.end() == len(text):
                break  # whether a LF follows is not known yet
            line = text[start : ending.start()].decode("utf-8", "replace")
            # A byte order mark at the start of the stream is no part of its first line.
            if self._first:
                self._first, line = False, line.removeprefix("\ufeff")
            yield line
            start = ending.end()
        del self._text[:start]

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._event_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            # Nine digits are eleven days, and an `int` that no server can make large.
            self._retry = int(value[:9])
