"""The URLs in a pasted text, and the resource that it is about, so that a fix can be a whole command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.diagnosis.server_kind import ServerKind, server_kind
from authlens_core.oauth.discovery.challenge import is_plain
from authlens_core.values.url import Url, UrlRefused, parse_url

_MOST: Final = 50
# Without the query, and without what a login came back to, which is of the client.
_URL: Final = re.compile(r"(https?://[^\s\"'<>`\\|{}()\[\]*…?#]++)(?![?#][^\s\"'<>]*\b(?:error|code)=)")
_REDIRECT: Final = re.compile(r"(?i)redirect|callback|reply (?:url|address)|(?:\$schema|\"type)\W{1,8}$")
_BEFORE: Final = 40  # characters
# A page that explains the message, an endpoint of an authorization server, and where a browser comes back to.
_OTHER: Final = re.compile(
    r"^(?:docs?|learn|developers?|support|help|community|www|aka|errors|curl|stackoverflow|nodejs)\."
    r"|^(?:curl\.se|curl\.haxx\.se|aka\.ms|nodejs\.org|modelcontextprotocol\.io|datatracker\.ietf\.org)(?:/|$)"
    r"|^(?:(?:www|api|mcp)\.)?example\.(?:com|org|net)(?:/|$)|^your[-.]|^(?:localhost|127\.0\.0\.1|::1)/?$"
    r"|/(?:authorize|authorization|token|register|callback|oauth2?|login|consent|error|redirect|assets)(?:/|$)"
    r"|/cdn-cgi/|/(?:\.default|user_impersonation)$"
)
# RFC 9728 §3.1: it is before the path of the resource.
_WELL_KNOWN: Final = re.compile(r"/\.well-known/(?:oauth-|openid-|cloudflare-access-)[a-z-]+")


def urls_in(text: str) -> Iterator[Url]:
    """Yield the URLs in a text, of the first 50; no redirect URIs and no schemas."""
    for match in islice(_URL.finditer(text), _MOST):
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        bare = _WELL_KNOWN.sub("", match[1].rstrip(".,;:!"))
        with suppress(UrlRefused):
            if not _REDIRECT.search(before):
                yield parse_url(bare, loopback_http=True)


def resource_in(urls: Iterable[Url]) -> Url | None:
    """Return the resource that a text is about; None where it names none.

    The text may come from someone who wants a command copied that runs another one, so each shell has to read
    the address as it is. The path of a webhook, and of some MCP servers, is a credential.
    """
    return next(filter(_is_resource, urls), None)


def _is_resource(url: Url) -> bool:
    is_safe = is_plain(url.text.replace("@", "")) and without_credentials(url.text) == url.text
    is_other = _OTHER.search(f"{url.host}{url.path}") or server_kind([url.text]) is not ServerKind.OTHER
    return is_safe and not is_other
