"""What of a recorded request curl can send again, as it was and to where it went.

A session file may come from a stranger. What is in it becomes words for curl, and some of curl's words mean
something else: `@name` reads a file, a user name in a URL makes a credential, `Name:` leaves a field out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from authlens_core.export.curl.bash_words import CURLS_OWN
from authlens_core.grammars.curl_header import NotAField, header_argument, is_token
from authlens_core.values.exchange import Request

# http or https, and a host without a user name before it; curl would read it as a file, or as another scheme.
_CALLABLE: Final = re.compile(r"https?://[^/?#@\\\x00-\x20\x7f]+(?:[/?#].*)?", re.IGNORECASE | re.DOTALL)
_TYPE: Final = "content-type"


def is_callable(url: str) -> bool:
    """Return whether curl calls `url` by http or https, and adds nothing to the request because of it."""
    return _CALLABLE.fullmatch(url) is not None


def can_be_sent(request: Request) -> bool:
    """Return whether curl can send a request with this URL and this method."""
    return is_callable(request.url) and is_token(request.method)


def header_arguments(
    fields: Iterable[tuple[str, str]], *, has_body: bool
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the fields as names and arguments of `--header`, and the names of those that cannot be sent.

    The ones that curl makes itself are in neither.

    Args:
        has_body: whether a body follows, of which curl would invent the type.
    """
    given, left_out = [], []
    for name, value in fields:
        if name.lower() in CURLS_OWN:
            continue
        try:
            given.append((name, header_argument(name, value)))
        except NotAField:
            left_out.append(name)
    if has_body and not any(name.lower() == _TYPE for name, _ in given):
        given.append((_TYPE, "Content-Type:"))
    return given, left_out
