"""The URLs of a command line, checked."""

from __future__ import annotations

from collections.abc import Iterable

from authlens_core.errors import UsageError
from authlens_core.oauth.url import UrlRefused, parse_url, with_https


def checked_url(url: str) -> str:
    """Return `url` if it can be used; a host name alone means https.

    Raises:
        UsageError: with every reason why it cannot.
    """
    try:
        return parse_url(with_https(url), loopback_http=True).text
    except UrlRefused as refused:
        cause = f"{url or 'Nothing'} cannot be used: {refused}."
        raise UsageError(cause, "Give the whole address, such as https://wiki.example.com/") from None


def checked_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return several URLs, each once; all are checked before anything is sent.

    Raises:
        UsageError: one of them cannot be used.
    """
    return tuple(dict.fromkeys(map(checked_url, urls)))
