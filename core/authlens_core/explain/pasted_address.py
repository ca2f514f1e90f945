"""The address that a pasted text is about, so that a fix can be a whole command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.diagnosis.server_kind import ServerKind, server_kind
from authlens_core.oauth.discovery.challenge import is_plain
from authlens_core.values.fix import Fix, filled, mapped
from authlens_core.values.url import Url, UrlRefused, parse_url

_URL: Final = re.compile(r"https?://[^\s\"'<>`\\|{}()\[\]*…]+")
_MOST: Final = 50
# A page that explains the message is not what it is about, nor is an endpoint of an authorization server.
_ABOUT: Final = re.compile(
    r"^(?:docs?|learn|developers?|support|help|community|www|aka|errors|curl|stackoverflow|nodejs)\."
    r"|^(?:curl\.se|curl\.haxx\.se|aka\.ms|nodejs\.org|modelcontextprotocol\.io|datatracker\.ietf\.org)$"
    r"|^(?:(?:www|api|mcp)\.)?example\.(?:com|org|net)$|^your[-.]"
)
_ENDPOINT: Final = re.compile(
    r"/(?:authorize|authorization|token|register|callback|oauth2?|login|consent|error|redirect|assets)(?:/|$)"
    r"|/cdn-cgi/|/(?:\.default|user_impersonation)$"
)
_WELL_KNOWN: Final = re.compile(r"/\.well-known/(?:oauth-|openid-|cloudflare-access-)[a-z-]+")
_REDIRECT: Final = re.compile(r"(?i)redirect|callback|reply (?:url|address)|(?:\$schema|\"type)\W{1,8}$")
_BEFORE: Final = 40  # characters
# What a login came back to is of the client.
_ANSWERED: Final = re.compile(r"[?&#](?:error|code)=")


def urls_in(text: str) -> tuple[Url, ...]:
    """Return the URLs in a text, in order, of the first 50; no redirect URIs and no schemas."""
    own = (
        match[0]
        for match in islice(_URL.finditer(text), _MOST)
        if not _REDIRECT.search(text, max(0, match.start() - _BEFORE), match.start())
        and not _ANSWERED.search(match[0])
    )
    return tuple(dict.fromkeys(_usable(own)))


def _usable(texts: Iterable[str]) -> Iterator[Url]:
    for text in texts:
        bare = text.partition("#")[0].partition("?")[0].rstrip(".,;:!")
        try:
            yield parse_url(bare, loopback_http=True)
        except UrlRefused:
            continue


def resource_in(urls: Iterable[Url]) -> Url | None:
    """Return the resource that a text is about; None where it names none.

    The text may come from someone who wants a command copied that runs another one, so each shell has to read
    the address as it is. The path of a webhook, and of some MCP servers, is a credential.
    """
    resources = filter(None, map(_resource, urls))
    return next(filter(_is_safe, resources), None)


def _is_safe(url: Url) -> bool:
    return is_plain(url.text.replace("@", "")) and without_credentials(url.text) == url.text


def with_address(cure: str | Fix, url: Url | None) -> str | Fix:
    """Return a fix with the address in its commands, and its host in the place of HOST."""
    if url is None:
        return cure
    return mapped(filled(cure, url.text), lambda text: text.replace("HOST", url.authority))


def _resource(url: Url) -> Url | None:
    """Return the resource that a URL is, or that it is the metadata of; None where it is something else."""
    if _ABOUT.search(url.host):
        return None
    known = _WELL_KNOWN.search(url.path)
    if known is not None:
        # RFC 9728 §3.1: the well-known part is before the path of the resource.
        path = url.path[: known.start()] + url.path[known.end() :]
        return next(_usable([f"{url.origin}{path.rstrip('/')}"]), None)
    if url.is_loopback and url.path in ("", "/"):
        return None  # more likely where a browser comes back to
    is_server = _ENDPOINT.search(url.path) or server_kind([url.text]) is not ServerKind.OTHER
    return None if is_server else url
