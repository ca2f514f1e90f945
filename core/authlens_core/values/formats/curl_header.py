"""One header field as curl's `--header` takes it.

Source: docs/cmdline-opts/header.md and `Curl_add_custom_headers` (lib/http.c) of curl 8.14.1. `Name: value`
sends a field, `Name:` leaves out the one that curl would send, `Name;` sends one without a value, `@file`
sends the lines of a file. A line end in a value would start another field.
"""

from __future__ import annotations

import re
from typing import Final

from authlens_core.values.exchange import TOKEN_CHARACTERS

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # every one but the tab


class NotAField(ValueError):
    """The text is not one field that curl sends as it is written."""


def is_token(text: str) -> bool:
    """Return whether `text` can be a method or the name of a field (RFC 9110 §5.6.2)."""
    return bool(text) and TOKEN_CHARACTERS.issuperset(text)


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
    name, colon, _ = argument.removesuffix(";").partition(":")
    is_field = is_token(name) and not has_control_character(argument)
    return name.lower() if is_field and (colon or argument.endswith(";")) else ""
