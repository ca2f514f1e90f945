"""The heads of answers as curl's `--dump-header` writes them: status lines and fields, one block an answer.

Source: docs/cmdline-opts/dump-header.md and src/tool_cb_hdr.c of curl 8.14.1. Each line is written as it
arrived and flushed, before the body. Interim answers (1xx) have blocks of their own; trailers come without a
status line, after the body. What is not a block like that is no head.
"""

from __future__ import annotations

import re
from typing import Final

from authlens_core.values.exchange import Headers, Response

_STATUS: Final = re.compile(rb"HTTP/(?P<version>[0-9.]+) (?P<status>[0-9]{3})(?: (?P<reason>[^\r\n]*))?\r?\n")
_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_END: Final = re.compile(rb"\r?\n")
_LONGEST: Final = 512 * 1024  # bytes; curl ends an answer whose head has more than 300 KiB


class HeadReader:
    """Takes what curl writes, as it comes.

    Attributes:
        final: the newest head of an answer that was not interim, or None.
    """

    def __init__(self) -> None:
        self.final: Response | None = None
        self._left = bytearray()

    def feed(self, data: bytes) -> None:
        self._left += data
        while (end := _END.search(self._left)) is not None:
            block = bytes(self._left[: end.end()])
            del self._left[: end.end()]
            head = _head(block)
            if head is not None and (head.status >= 200 or head.status == 101):
                self.final = head
        del self._left[:-_LONGEST]


def _head(block: bytes) -> Response | None:
    status = _STATUS.match(block)
    if status is None:
        return None
    lines = [line.partition(b":") for line in _LINE_END.split(block[status.end() :]) if line]
    fields = [
        (name.decode("latin-1"), value.strip(b" \t").decode("latin-1"))
        for name, colon, value in lines
        if colon
    ]
    reason = (status["reason"] or b"").decode("latin-1")
    return Response(int(status["status"]), reason, Headers.of(fields))
