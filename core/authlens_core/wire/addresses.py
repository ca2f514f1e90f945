"""Which addresses a name may lead to.

A server that names a URL chooses where this machine connects: to its own metadata, or to the router, the
cloud's metadata service or a database on localhost (RFC 9728 §7.7). Names are therefore resolved and judged
before anything is sent, and the address that was really connected is judged again, because a name may
answer differently the second time (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

# Turns a host and a port into addresses; raises OSError when the name is unknown.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
_NAT64: Final = IPv6Network("64:ff9b::/96")


class AddressPolicy(Enum):
    """Where a request may go."""

    ANY = "any"
    """Anywhere: the user named this host."""

    PUBLIC_ONLY = "public only"
    """To globally reachable addresses only: a public server named this host."""


class AddressRefused(Exception):
    """An address the policy does not allow."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


def host_and_port(host: str, port: int) -> str:
    """Return `host:port`; an IPv6 address gets its brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address inside an IPv6 address, or the address itself."""
    if isinstance(address, IPv6Address):
        # A name may resolve to a public IPv6 address that a gateway maps to a private IPv4 one.
        embedded = address.ipv4_mapped or address.sixtofour
        if embedded is not None:
            return embedded
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None:
            return address.teredo[1]
    return address


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return _inner(ip_address(address.strip("[]")))
    except ValueError:
        return None


def is_global(address: str) -> bool:
    """Return whether `address` is globally reachable; false for text that is not an address."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_global and not parsed.is_multicast


def is_loopback(address: str) -> bool:
    """Return whether `address` is this machine; false for text that is not an address."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of `host`.

    Raises:
        OSError: the name is unknown or the resolver does not answer.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def require_public(host: str, port: int, resolver: Resolver = resolve) -> None:
    """Raise unless every address of `host` is globally reachable.

    One private address among public ones is enough to refuse: which of them is used is not ours to choose.

    Raises:
        AddressRefused: naming the first address that is not.
        OSError: the name is unknown.
    """
    for address in [host] if _parse(host) is not None else await resolver(host, port):
        if not is_global(address):
            raise AddressRefused(address)
