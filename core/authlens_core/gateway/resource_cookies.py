"""Cookies of the resource, among those of every other program on this machine.

A browser sends a cookie of 127.0.0.1 to every port of it (RFC 6265 §8.5). What the resource sets stays below
the secret path, and of what a client sends only that goes to the resource which the resource has set.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

from authlens_core.gateway.forwarding import Mapping

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
    """Remembers which cookies the resource has set in this run, without their values."""

    def __init__(self) -> None:
        # Digests instead of cookies: what is remembered is of no use to anyone who reads this memory.
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def stored(self, value: bytes, mapping: Mapping) -> bytes | None:
        """Return a `Set-Cookie` of the resource as it is for this proxy alone; None to drop it."""
        first, *attributes = (part.strip() for part in value.split(b";"))
        pair, path, kept = _pair(first), b"/", []
        if _ACCESS_COOKIE.match(pair) or len(value) > _LONGEST:
            return None
        for attribute in attributes:
            name, _, given = attribute.partition(b"=")
            if name.strip().lower() == b"path" and given.strip().startswith(b"/"):
                path = given.strip()
            if attribute and name.strip().lower() not in _DROPPED:
                kept.append(attribute)
        # A browser takes such a name only over https and for the whole host, which a proxy on a port is not.
        if mapping.local and pair.lower().startswith(_OF_A_WHOLE_HOST):
            pair = _RENAMED + pair
        self._remember(pair)
        # Ports do not keep cookies apart (RFC 6265 §8.5); the path does, which no other program can guess.
        own = (b"Path=" + mapping.prefix.encode("ascii") + path, b"SameSite=Strict")
        return b"; ".join((pair, *kept, *own))

    def sent(self, value: bytes, mapping: Mapping) -> bytes:
        """Return what of a `Cookie` goes to the resource; empty for nothing."""
        pairs = (_pair(part) for part in value.split(b";"))
        # No browser reaches a Unix socket: there the client itself chose every cookie.
        everyone = not mapping.local
        return b"; ".join(
            pair.removeprefix(_RENAMED) if pair.lower().startswith(_RENAMED_HERE) else pair
            for pair in pairs
            if pair and not _ACCESS_COOKIE.match(pair) and (everyone or self._mark_of(pair) in self._known)
        )

    def _remember(self, pair: bytes) -> None:
        digest = self._mark_of(pair)
        self._known[digest] = None
        self._known.move_to_end(digest)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _mark_of(self, pair: bytes) -> bytes:
        return blake2b(pair, key=self._key, digest_size=16).digest()


def _pair(part: bytes) -> bytes:
    """Return `name=value` as a browser sends it back (RFC 6265bis §5.6): without the blanks around both."""
    name, equals, value = part.partition(b"=")
    return name.strip(b" \t") + equals + value.strip(b" \t")
