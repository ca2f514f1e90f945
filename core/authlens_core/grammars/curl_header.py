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
_FIELD: Final = re.compile(rf"({_NAME.pattern})(:[^\x00-\x08\x0a-\x1f\x7f]*|;)")
_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
_BLOCK_END: Final = re.compile(rb"\r?\n\r?\n")


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
    """Return the name of the one field in an argument, in lower case; empty if it is anything else."""
    field = _FIELD.fullmatch(argument)
    return field[1].lower() if field else ""


def newest_head(text: bytes) -> Response | None:
    """Return the newest whole head of an answer in what `--dump-header` wrote; None before there is one."""
    for block in reversed(_BLOCK_END.split(text)[:-1]):
        # 100 and 103 come before the answer; after 101 there is none.
        if (status := _STATUS.match(block)) and (status[1] == b"101" or status[1] >= b"2"):
            lines = [line.partition(":") for line in block.decode("latin-1").split("\n")[1:]]
            fields = [(name, value.strip(" \t\r")) for name, _, value in lines]
            return Response(int(status[1]), headers=Headers.of(fields))
    return None
