"""What passes through the proxy and what does not: rules on header fields and addresses, without I/O."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from authlens_core.oauth.challenge import parse_challenges
from authlens_core.oauth.url import Url, UrlRefused, parse_url
from authlens_core.quick_dataclass import dataclass
from authlens_core.wire.streaming import RawField

# For one connection only (RFC 9110 §7.6.1), and so never passed on.
_HOP_BY_HOP: Final = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
_ACCESS_CREDENTIALS: Final = frozenset(
    {
        *(b"cf-access-client-id", b"cf-access-client-secret", b"cf-access-token"),
        *(b"cf-access-jwt-assertion",),
    }
)
_ACCESS_COOKIE: Final = re.compile(rb"\s*CF_(Authorization|AppSession|Binding)\s*=", re.IGNORECASE)
# A policy for https would lock the local address out, and another route would leave the proxy.
_UPSTREAM_ONLY: Final = frozenset({b"www-authenticate", b"strict-transport-security", b"alt-svc"})
_HIDDEN: Final = re.compile(
    r"/\.well-known/(oauth-|openid-configuration|cloudflare-access-protected-resource)|^/cdn-cgi/access/"
)


class CrossOriginRedirect(Exception):
    """The resource redirects to another origin, where the credential does not go.

    Attributes:
        target: the address, as the server wrote it; not safe to show.
    """

    def __init__(self, target: str) -> None:
        super().__init__("a redirect to another origin")
        self.target = target


@dataclass(frozen=True, slots=True)
class Mapping:
    """How addresses here and at the resource correspond.

    Attributes:
        upstream: the resource; only its origin counts.
        local: the origin here, such as `http://127.0.0.1:4000`; empty on a Unix socket.
        prefix: the secret path of this run, such as `/x3Vq…`; empty on a Unix socket.
    """

    upstream: Url
    local: str = ""
    prefix: str = ""

    def target(self, raw_path: bytes, query: bytes) -> bytes | None:
        """Return path and query for the resource, or None where the secret path is missing."""
        prefix = self.prefix.encode("ascii")
        # In constant time: another account of this machine can reach the port and measure.
        secret_known = hmac.compare_digest(raw_path[: len(prefix)], prefix)
        if not secret_known or raw_path[len(prefix) : len(prefix) + 1] not in (b"/", b""):
            return None
        path = raw_path[len(prefix) :] or b"/"
        return path + (b"?" + query if query else b"")

    def here(self, location: str) -> str:
        """Return the address here for a `Location` of the resource.

        Raises:
            CrossOriginRedirect: it leads to another origin.
        """
        place, hash_sign, fragment = location.partition("#")
        try:
            # Relative to the request (RFC 9110 §10.2.2): the client's own is below our prefix already.
            # Browsers read a backslash as a slash, and `\\host` as another host (WHATWG URL §4.4).
            if place[:1] not in ("/", "\\") and not urlsplit(place).scheme:
                return location
            found = parse_url(urljoin(f"{self.upstream.origin}/", place), loopback_http=True)
        except (UrlRefused, ValueError):
            raise CrossOriginRedirect(location) from None
        if found.origin != self.upstream.origin:
            raise CrossOriginRedirect(location)
        query = "" if found.query is None else f"?{found.query}"
        return f"{self.local}{self.prefix}{found.path or '/'}{query}{hash_sign}{fragment}"


def is_hidden(path: str) -> bool:
    """Say whether a path would let a client discover the resource's OAuth, or end its session."""
    return _HIDDEN.search(unquote(path)) is not None


def asks_for_a_token(status: int, fields: Iterable[RawField]) -> bool:
    """Say whether a 401 is about our token: it has a challenge of OAuth or of Access, or none at all."""
    if status != 401:
        return False
    lines = [value.decode("latin-1") for name, value in fields if _is(name, b"www-authenticate")]
    # One line may hold several challenges, and may be empty (RFC 9110 §11.6.1).
    challenges = parse_challenges(lines).challenges
    return not challenges or any(one.wants_token or one.is_scheme("cloudflare-access") for one in challenges)


def request_fields(
    given: Iterable[RawField], credential: Iterable[tuple[str, str]], mapping: Mapping
) -> tuple[RawField, ...]:
    """Return the header fields for the resource: the client's, without its own credentials, and ours."""
    given = tuple(given)
    ours = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in credential)
    dropped = {name.lower() for name, _ in ours} | _ACCESS_CREDENTIALS | _named_by_connection(given)
    # A proof of the client is for its own token; `Expect` was answered here already.
    dropped |= {b"host", b"expect", b"dpop"}
    kept = [_with_our_origin(pair, mapping) for pair in given if pair[0].lower() not in dropped]
    host = mapping.upstream.origin.partition("://")[2].encode("ascii")
    return ((b"Host", host), *kept, *_framing(given), *ours)


def response_fields(given: Iterable[RawField], mapping: Mapping) -> Iterator[RawField]:
    """Yield the header fields for the client: no challenge, no session of Access, addresses as they are here.

    Raises:
        CrossOriginRedirect: there is a redirect to another origin.
    """
    given = tuple(given)
    dropped = _named_by_connection(given) | _UPSTREAM_ONLY
    for name, value in given:
        lower = name.lower()
        if lower in dropped:
            continue
        if lower == b"location":
            value = mapping.here(value.decode("latin-1")).encode("latin-1")  # noqa: PLW2901 - the same field
        elif lower == b"set-cookie":
            if _ACCESS_COOKIE.match(value):
                continue
            value = _local_cookie(value, mapping)  # noqa: PLW2901
        elif lower == b"access-control-allow-origin" and value == mapping.upstream.origin.encode():
            value = mapping.local.encode()  # noqa: PLW2901
        yield name, value


def _is(name: bytes, wanted: bytes) -> bool:
    return name.lower() == wanted


def _named_by_connection(fields: tuple[RawField, ...]) -> set[bytes]:
    """Return the fields that are for one hop only (RFC 9110 §7.6.1)."""
    named = {
        option.strip().lower()
        for name, value in fields
        if _is(name, b"connection")
        for option in value.split(b",")
    }
    return set(_HOP_BY_HOP) | (named - {b"", b"close"})


def _framing(fields: tuple[RawField, ...]) -> list[RawField]:
    """Return the chunked framing of a body without a length; a length passes with the other fields."""
    chunked = any(_is(name, b"transfer-encoding") for name, _ in fields)
    return [(b"Transfer-Encoding", b"chunked")] if chunked else []


def _with_our_origin(pair: RawField, mapping: Mapping) -> RawField:
    """Return `Origin` and `Referer` as the resource knows itself; it may refuse other origins."""
    name, value = pair
    local = mapping.local.encode("ascii")
    if local and _is(name, b"origin") and value == local:
        return name, mapping.upstream.origin.encode("ascii")
    prefix = local + mapping.prefix.encode("ascii")
    if local and _is(name, b"referer") and value.startswith(prefix):
        return name, mapping.upstream.origin.encode("ascii") + value[len(prefix) :]
    return pair


def _local_cookie(value: bytes, mapping: Mapping) -> bytes:
    """Return a cookie that a client keeps for this proxy alone: no domain, not only https, below our path."""
    parts = [part.strip() for part in value.split(b";")]
    kept, path = [parts[0]], b"/"
    for part in parts[1:]:
        name = part.partition(b"=")[0].strip().lower()
        if name == b"path":
            path = part.partition(b"=")[2].strip() or b"/"
        elif name not in {b"domain", b"secure", b"partitioned"}:
            kept.append(part)
    kept.append(b"Path=" + mapping.prefix.encode("ascii") + path)
    return b"; ".join(kept)
