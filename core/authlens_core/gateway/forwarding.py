"""What passes through the proxy and what does not: rules on addresses, cookies and fields, without I/O."""

from __future__ import annotations

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from authlens_core.gateway.signed_stream import redirect_refused, redirect_target
from authlens_core.grammars.http_framing import alias_of, body_length, for_one_hop, framing, is_chunked
from authlens_core.values.url import Url
from authlens_core.wire.streaming import RawField

_ACCESS_CREDENTIALS: Final = frozenset(
    {
        *(b"cf-access-client-id", b"cf-access-client-secret", b"cf-access-token"),
        *(b"cf-access-jwt-assertion",),
    }
)
# A proof of the client is for its own token; `Expect` was answered here already.
_READ_HERE: Final = _ACCESS_CREDENTIALS | {b"dpop", b"expect", b"host", b"content-length"}
_CREDENTIALS: Final = _ACCESS_CREDENTIALS | {b"authorization", b"cookie", b"dpop"}
# What a browser would go on doing for this address, or tell others of it: the address has the secret path,
# and tomorrow it may be another resource's.
_UPSTREAM_ONLY: Final = frozenset(
    {
        *(b"www-authenticate", b"alt-svc", b"clear-site-data", b"service-worker-allowed"),
        *(b"strict-transport-security", b"public-key-pins", b"public-key-pins-report-only", b"expect-ct"),
        *(b"nel", b"report-to", b"reporting-endpoints", b"content-security-policy-report-only"),
        *(b"referrer-policy", b"cross-origin-resource-policy", b"timing-allow-origin"),
    }
)
_UPSTREAM_PREFIX: Final = b"access-control-"
# Directives of Content-Security-Policy that send the address of the page to others.
_REPORTING: Final = frozenset({b"report-uri", b"report-to"})
_ADDRESSES: Final = frozenset({b"referer", b"destination"})
# `same-origin`, because with `no-referrer` a browser sends `Origin: null` with the page's own forms.
OWN_FIELDS: Final = (
    (b"Referrer-Policy", b"same-origin"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
)
# What browsers escape in a Location (WHATWG URL §1.3), and what they drop or misread: no one may.
_ESCAPED: Final = re.compile(rb"[ \x80-\xff]")
# Without a scheme or a host (RFC 3986 §4.2). Browsers read a backslash as a slash, and `\\host` as another
# host (WHATWG URL §4.4).
_RELATIVE: Final = re.compile(r"(?![/\\])[^:/?#\x00-\x1f\x7f]*([/?#][^\x00-\x1f\x7f]*)?")
_HIDDEN: Final = re.compile(
    r"/\.well-known/(oauth-|openid-configuration|cloudflare-access-protected-resource)|^/cdn-cgi/access/"
)


class Mapping(Struct, frozen=True):
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
        return b"%b?%b" % (path, query) if query else path

    def to_upstream(self, address: bytes) -> bytes:
        """Return an address, or a path, as the resource knows it; others than ours as they are."""
        for ours, theirs in ((self.local, self.upstream.origin), ("", "")):
            prefix = f"{ours}{self.prefix}".encode("ascii")
            suffix = address.removeprefix(prefix)
            if self.prefix and suffix != address and suffix[:1] in (b"/", b"?", b""):
                return b"%b%b" % (theirs.encode("ascii"), suffix or b"/")
        return address

    def to_local(self, location: str) -> str:
        """Return the address here for a `Location` of the resource.

        Raises:
            AuthlensError: it leads to another origin, or readers differ about where.
        """
        # Relative to the request (RFC 9110 §10.2.2): the client's own is below our prefix already.
        if _RELATIVE.fullmatch(location):
            return location
        target = redirect_target(location, self.upstream.text)
        if target is None or target.origin != self.upstream.origin:
            raise redirect_refused(location, self.upstream.text)
        _, hash_sign, fragment = location.partition("#")
        return f"{self.local}{self.prefix}{target.target}{hash_sign}{fragment}"


# The session of Access itself, which the credential makes superfluous.
_ACCESS_COOKIE: Final = re.compile(rb"CF_(Authorization|AppSession|Binding)=", re.IGNORECASE)
# Browsers store a name like these only with `Secure`, and `__Host-` only for every path (RFC 6265bis §4.1.3).
_OF_A_WHOLE_HOST: Final = (b"__host-", b"__secure-")
_RENAMED: Final = b"authlens"
_RENAMED_HERE: Final = tuple(_RENAMED + name for name in _OF_A_WHOLE_HOST)
_REMEMBERED: Final = 4096  # cookies of one run
_LONGEST: Final = 4096  # bytes; browsers store no longer ones
# Attributes that would take a cookie to another port or host, or keep it from http.
_DROPPED: Final = frozenset({b"domain", b"path", b"secure", b"partitioned", b"samesite"})


class ResourceCookies:
    """Remembers which cookies the resource has set in this run, without their values.

    A browser sends a cookie of 127.0.0.1 to every port of it (RFC 6265 §8.5). What the resource sets stays
    below the secret path, and of what a client sends only what the resource has set goes to it.
    """

    def __init__(self) -> None:
        # Digests instead of cookies: what is remembered is of no use to anyone who reads this memory.
        self._key = secrets.token_bytes(32)
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def for_client(self, value: bytes, mapping: Mapping) -> bytes | None:
        """Return a `Set-Cookie` of the resource as it is for this proxy alone; None to drop it."""
        first, *attributes = (piece.strip() for piece in value.split(b";"))
        pair, path, passed = _pair(first), b"/", []
        if _ACCESS_COOKIE.match(pair) or len(value) > _LONGEST:
            return None
        for attribute in attributes:
            name, _, setting = attribute.partition(b"=")
            if name.strip().lower() == b"path" and setting.strip().startswith(b"/"):
                path = setting.strip()
            if attribute and name.strip().lower() not in _DROPPED:
                passed.append(attribute)
        # A browser takes such a name only over https and for the whole host, which a proxy on a port is not.
        if mapping.local and pair.lower().startswith(_OF_A_WHOLE_HOST):
            pair = _RENAMED + pair
        self._remember(pair)
        # Ports do not keep cookies apart (RFC 6265 §8.5); the path does, which no other program can guess.
        scope = (b"Path=" + mapping.prefix.encode("ascii") + path, b"SameSite=Strict")
        return b"; ".join((pair, *passed, *scope))

    def for_resource(self, value: bytes, mapping: Mapping) -> bytes:
        """Return what of a `Cookie` goes to the resource; empty for nothing."""
        pairs = (_pair(piece) for piece in value.split(b";"))
        # No browser reaches a Unix socket: there the client itself chose every cookie.
        everyone = not mapping.local
        return b"; ".join(
            pair.removeprefix(_RENAMED) if pair.lower().startswith(_RENAMED_HERE) else pair
            for pair in pairs
            if pair and not _ACCESS_COOKIE.match(pair) and (everyone or self._mark_of(pair) in self._digests)
        )

    def _remember(self, pair: bytes) -> None:
        digest = self._mark_of(pair)
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)

    def _mark_of(self, pair: bytes) -> bytes:
        return blake2b(pair, key=self._key, digest_size=16).digest()


def _pair(cookie: bytes) -> bytes:
    """Return `name=value` as a browser sends it back (RFC 6265bis §5.6): without the blanks around both."""
    name, equals, value = cookie.partition(b"=")
    return name.strip(b" \t") + equals + value.strip(b" \t")


def is_hidden(path: str) -> bool:
    """Return whether a path would let a client discover the resource's OAuth, or end its session."""
    return _HIDDEN.search(unquote(path)) is not None


def alias_of_a_credential(name: bytes) -> bool:
    """Return whether the resource may take a field for a credential, although it is spelled differently."""
    return alias_of(name, _CREDENTIALS) is not None


def request_fields(
    received: Iterable[RawField],
    credential: Iterable[tuple[str, str]],
    mapping: Mapping,
    cookies: ResourceCookies,
) -> tuple[RawField, ...]:
    """Return the header fields for the resource: the client's, without its own credentials, and ours."""
    received = tuple(received)
    ours = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in credential)
    # A client's own credential would reach a server that it was not meant for, or win over ours.
    dropped = {name.lower() for name, _ in ours} | _READ_HERE | for_one_hop(received)
    host = mapping.upstream.authority.encode("ascii")
    passed = [pair for pair in received if pair[0].lower() not in dropped]
    return ((b"Host", host), *_at_the_resource(passed, mapping, cookies), *framing(received), *ours)


def _at_the_resource(
    fields: Iterable[RawField], mapping: Mapping, cookies: ResourceCookies
) -> Iterator[RawField]:
    """Yield fields as the resource knows its own addresses."""
    local = mapping.local.encode("ascii")
    for name, value in fields:
        translated, lower = value, name.lower()
        if lower == b"cookie":
            # The jar is the proxy's: a browser sends its cookies to every port of 127.0.0.1 (RFC 6265 §8.5).
            translated = cookies.for_resource(value, mapping)
            if not translated:
                continue
        elif lower == b"max-forwards" and value.isdigit():  # RFC 9110 §7.6.2
            translated = b"%d" % max(0, int(value[:9]) - 1)
        elif lower == b"origin" and local and value == local:
            # Servers compare it with their own name against CSRF, and would refuse the proxy's.
            translated = mapping.upstream.origin.encode("ascii")
        elif lower in _ADDRESSES:
            translated = mapping.to_upstream(value)
        yield name, translated


def response_fields(
    received: Iterable[RawField], mapping: Mapping, cookies: ResourceCookies, *, status: int = 200
) -> Iterator[RawField]:
    """Yield the header fields for the client: no challenge, no session of Access, addresses as they are here.

    Raises:
        AuthlensError: there is a redirect to another origin.
    """
    received = tuple(received)
    dropped = for_one_hop(received) | _UPSTREAM_ONLY | {b"content-length"}
    for name, value in received:
        lower = name.lower()
        # CORS headers of the resource name its own pages. Here they would let those read through the proxy.
        if lower in dropped or lower.startswith(_UPSTREAM_PREFIX):
            continue
        translated: bytes | None = value
        if lower == b"location":
            # Without this a browser would leave the proxy at the first redirect and meet the login page.
            translated = mapping.to_local(_escaped(value)).encode("latin-1")
        elif lower == b"set-cookie":
            translated = cookies.for_client(value, mapping)
        elif lower == b"content-security-policy":
            translated = _without_reports(value)
        elif lower == b"refresh" and not value.strip().isdigit():
            translated = None  # it may lead elsewhere, and its parsers differ
        if translated is not None:
            yield name, translated
    length = body_length(received)
    # RFC 9110 §8.6: an answer without content has no length either.
    if length is not None and not is_chunked(received) and status != HTTPStatus.NO_CONTENT:
        yield b"Content-Length", b"%d" % length
    yield from OWN_FIELDS


def _escaped(location: bytes) -> str:
    """Return a Location with its non-ASCII bytes escaped, as browsers do."""
    return _ESCAPED.sub(lambda character: b"%%%02X" % character[0][0], location).decode("latin-1")


def _without_reports(policy: bytes) -> bytes:
    directives = policy.split(b";")
    return b";".join(each for each in directives if each.strip().partition(b" ")[0].lower() not in _REPORTING)
