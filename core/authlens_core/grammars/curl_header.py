"""Header fields as curl reads and writes them: the argument of `--header`, and the heads of `--dump-header`.

Source of the first: docs/cmdline-opts/header.md and `Curl_add_custom_headers` (lib/http.c) of curl 8.14.1.
`Name: value` sends a field, `Name:` leaves out the one that curl would send, `Name;` sends one without a
value, `@file` sends the lines of a file. curl sends control characters as they are, so a line end in a value
would start another field.

Source of the second: docs/cmdline-opts/dump-header.md and src/tool_cb_hdr.c. Status lines and fields, one
block an answer; each line is written as it arrived and flushed, before the body. Interim answers (1xx) have
blocks of their own; trailers come without a status line, after the body. What is not such a block is no head.
"""

from __future__ import annotations

import re
from typing import Final

from authlens_core.values.exchange import Headers, Response

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 9110 §5.6.2)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # every one but the tab


class NotAField(ValueError):
    """The text is not one field that curl sends as it is written."""


def is_token(text: str) -> bool:
    """Return whether `text` can be a method or the name of a field (RFC 9110 §5.6.2)."""
    return _NAME.fullmatch(text) is not None


def has_control_character(text: str) -> bool:
    """Return whether `text` would end or change a line in the head of a request; a tab does not."""
    return _CONTROLS.search(text) is not None


def header_argument(name: str, value: str) -> str:
    """Return the argument with which curl sends this field, whatever it is.

    Raises:
        NotAField: the name is not a token, or the value has a control character.
    """
    if not is_token(name) or has_control_character(value):
        raise NotAField("the field cannot be sent")
    value = value.strip(" \t")
    # curl reads `Name:` as "leave it out"; the semicolon is its form for an empty value (curl(1), --header).
    return f"{name}: {value}" if value else f"{name};"


def field_name(argument: str) -> str:
    """Return the name of the field in an argument, in lower case.

    Raises:
        NotAField: it names a file, or has no name.
    """
    name, separator, _ = argument.partition(":")
    if not separator and argument.endswith(";"):
        name = argument.removesuffix(";")
    elif not separator:
        raise NotAField("it is not Name: value, Name: or Name;")
    if not is_token(name):
        raise NotAField("what is before the colon is not the name of a field")
    return name.lower()


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
            # 100 and 103 come before the answer; after 101 there is none.
            if head is not None and (head.status >= 200 or head.status == 101):
                self.final = head
        # A head that never ends must not grow without bound.
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
