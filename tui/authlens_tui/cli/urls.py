"""The URL that a command line names, checked."""

from __future__ import annotations

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
        cause = f"{url or 'Nothing'} cannot be used: {'; '.join(refused.reasons)}."
        raise UsageError(cause, "Give the whole address, such as https://wiki.example.com/") from None
