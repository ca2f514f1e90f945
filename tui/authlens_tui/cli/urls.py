"""The URLs of a command line, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from authlens_core.values.errors import UsageError
from authlens_core.values.url import UrlRefused, parse_url, usable_url, with_scheme
from authlens_tui.cli.terminal.output import say

# RFC 3986 §2.2 without the brackets, which belong to the host alone; and what is encoded already.
_TAKEN_AS_THEY_ARE: Final = ":/?#@!$&'()*+,;=%"


def checked_url(url: str) -> str:
    """Return `url` if it can be used; with a scheme if it has none, which is reported where it is http.

    Raises:
        UsageError: with every reason why it cannot.
    """
    whole = with_scheme(url)
    try:
        usable = parse_url(whole, loopback_http=True).text
    except UrlRefused as refused:
        cause = f"{url or 'Nothing'} cannot be used: {refused}."
        raise UsageError(cause, _usable_instead(whole)) from None
    if whole != url and whole.startswith("http://"):
        say(f"! No scheme given: using {usable}")
    return usable


def _usable_instead(url: str) -> str:
    from shlex import quote as shell_word
    from urllib.parse import quote

    # Bytes that are not UTF-8 are surrogates in an argument (PEP 383), which `quote` refuses.
    try:
        encoded = quote(url, safe=_TAKEN_AS_THEY_ARE)
    except UnicodeEncodeError:
        encoded = url
    if encoded != url and usable_url(encoded, loopback_http=True) is not None:
        return f"Give it percent-encoded: {shell_word(encoded)}"
    return "Give the whole address, such as https://wiki.example.com/"


def checked_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return several URLs, each once; all are checked before anything is sent.

    Raises:
        UsageError: one of them cannot be used.
    """
    return tuple(dict.fromkeys(map(checked_url, urls)))
