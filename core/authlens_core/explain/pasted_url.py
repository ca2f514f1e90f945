"""The URL in what was copied from a browser or a manual: a curl command, a host."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import Final

from authlens_core.values.url import parse_url, with_scheme

_LONGEST: Final = 1_000_000  # characters that are looked at
_NOT_THE_URL: Final = frozenset({"-e", "--referer", "-x", "--proxy", "-H", "--header", "-d", "--data"})


def url_in(text: str) -> str | None:
    """Return the URL that a pasted request goes to; None if `text` is not a curl command.

    Headers, cookies and bodies in it are not used: they may hold secrets.
    """
    text = text.strip()[:_LONGEST]
    return _of_curl(text) if text.startswith(("curl ", "curl.exe ")) else None


def login_url(text: str) -> str:
    """Return the URL to log in to: that of a pasted request, or what was typed, with its scheme.

    Raises:
        ValueError: it cannot be used, with every reason.
    """
    return parse_url(with_scheme(url_in(text) or text), loopback_http=True).text


def _of_curl(command: str) -> str | None:
    try:
        # Browsers continue the line with a backslash for POSIX shells and a caret for cmd.exe.
        arguments = shlex.split(command.replace("\\\n", " ").replace("^\n", " "))
    except ValueError:
        return None
    pairs = list(pairwise(arguments))
    for before, word in pairs:
        if before == "--url":
            return word
    urls = (word for before, word in pairs if before not in _NOT_THE_URL)
    return next((word for word in urls if word.startswith(("https://", "http://"))), None)
