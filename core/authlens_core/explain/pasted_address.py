"""The address that a pasted text is about, so that a fix can be a whole command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Self

from authlens_core.diagnosis.likely_secrets import without_credentials
from authlens_core.diagnosis.server_kind import ServerKind, server_kind
from authlens_core.oauth.discovery.challenge import is_plain
from authlens_core.values.fix import Fix, filled, mapped
from authlens_core.values.quick_dataclass import dataclass
from authlens_core.values.url import Url, UrlRefused, parse_url

_URL: Final = re.compile(r"https?://[^\s\"'<>`\\|{}()\[\]*…]+")
_MOST: Final = 50
# A page that explains the message is not what it is about, nor is an endpoint of an authorization server.
_ABOUT: Final = re.compile(
    r"^(?:docs?|learn|developers?|support|help|community|www|aka|errors|curl|stackoverflow|nodejs)\."
    r"|^(?:curl\.se|curl\.haxx\.se|aka\.ms|nodejs\.org|modelcontextprotocol\.io|datatracker\.ietf\.org|next-auth\.js\.org)$"
)
_ENDPOINT: Final = re.compile(
    r"/(?:authorize|authorization|token|register|callback|oauth2?|login|consent|error|redirect|assets)(?:/|$)"
    r"|/cdn-cgi/|/auth/callback"
    r"|/(?:\.default|user_impersonation)$"  # a scope that is a URL
)
# Of documentation and examples of settings (RFC 2606 §3).
_EXAMPLE: Final = re.compile(r"^(?:(?:www|api|mcp)\.)?example\.(?:com|org|net)$|^your[-.]|^<")
# What a client says of the address that it was given; others are of what it found there.
_CONFIGURED: Final = re.compile(
    r"(?i)(?:\b(?:server )?url:|\bexpected|\bconnecting to(?: remote server)?:?|\bscanning:)\s{1,9}[\"']?"
    r"(https?://[^\s\"'<>`\\|{}()\[\]*…]+)"
)
_WELL_KNOWN: Final = re.compile(r"/\.well-known/(?:oauth-|openid-|cloudflare-access-)[a-z-]+")
_ASKED: Final = re.compile(r"(?m)^> (?:GET|POST|HEAD) (/\S*) HTTP/")
_HOST: Final = re.compile(r"(?mi)^> host: ([a-z0-9.:-]+)\r?$")
# The type of a problem is a name, though it looks like an address (RFC 9457 §3.1.1).
_REDIRECT: Final = re.compile(r"(?i)redirect|callback|reply (?:url|address)|(?:\$schema|\"type)\W{1,8}$")
# What a login came back to is of the client.
_ANSWERED: Final = re.compile(r"[?&](?:error=[a-z]+_[a-z]|code=)")
_GIT: Final = re.compile(
    r"(?i)(?:unable to access|authentication failed for|username for) '(https?://[^']+?)/?'"
)


def urls_in(text: str) -> tuple[Url, ...]:
    """Return the URLs in a text, in order, of the first 50; not redirect URIs, answered logins or schemas."""
    found = islice(_URL.finditer(text), _MOST)
    own = (
        match[0]
        for match in found
        if not _REDIRECT.search(text, max(0, match.start() - 40), match.start())
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


@dataclass(frozen=True, slots=True)
class PastedAddress:
    """The resource that a text is about; None where it names none.

    Attributes:
        others: all resources that the text names.
    """

    url: Url | None
    others: frozenset[Url] = frozenset()

    @classmethod
    def of(cls, text: str, urls: Iterable[Url]) -> Self:
        named = _GIT.search(text)
        if named is not None:
            return cls(next(_usable([named[1]]), None))
        host, asked = _HOST.search(text), _ASKED.search(text)
        if host is not None and asked is not None:
            return cls(next(_usable([f"https://{host[1]}{asked[1]}"]), None))
        configured = _usable(islice((match[1] for match in _CONFIGURED.finditer(text)), _MOST))
        named_ones = tuple(filter(None, map(_resource, (*configured, *urls))))
        return cls(next(iter(named_ones), None), frozenset(named_ones))

    def fill(self, cure: str | Fix, line: str = "") -> str | Fix:
        """Return a fix with the address in its commands, if every shell reads it as it is.

        HOST is that of the line which decides, where it names one, and the address too where that is the only
        one there: of a list of servers the line is about one.

        The text may come from someone who wants a command copied that runs another one. The path of a
        webhook, and of some MCP servers, is a credential.
        """
        if self.url is None or not _is_safe(self.url):
            return cure
        there = tuple(filter(None, map(_resource, urls_in(line))))
        named = next(iter(there), self.url)
        authority = named.authority if is_plain(named.text) else self.url.authority
        # A line that is quoted may have lost the end of an address.
        url = named if len(there) == 1 and _is_safe(named) and named in self.others else self.url
        return mapped(filled(cure, url.text), lambda text: text.replace("HOST", authority))


def _is_safe(url: Url) -> bool:
    """Whether every shell reads an address as it is, and it holds no credential."""
    return is_plain(url.text.replace("@", "")) and without_credentials(url.text) == url.text


def _resource(url: Url) -> Url | None:
    """Return the resource that a URL is, or that it is the metadata of; None where it is something else."""
    if _ABOUT.search(url.host) or _EXAMPLE.search(url.host):
        return None
    known = _WELL_KNOWN.search(url.path)
    if known is not None:
        # RFC 9728 §3.1: the well-known part is before the path of the resource.
        path = url.path[: known.start()] + url.path[known.end() :]
        return next(_usable([f"{url.origin}{path.rstrip('/')}"]), None)
    if url.is_loopback and url.path in ("", "/"):
        return None  # more likely where a browser comes back to
    if _ENDPOINT.search(url.path) or server_kind([url.text]) is not ServerKind.OTHER:
        return None
    return url
