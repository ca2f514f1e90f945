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
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

# Turns a host and a port into addresses; raises OSError when the name is unknown.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
# IANA's special-purpose registries (RFC 6890), as far as Python's table may be older or differ. Of IPv6
# nothing else is in use than 2000::/3; site-local and IPv4-compatible addresses are outside it.
_NOT_PUBLIC_IPV4: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_IPV6: Final = (
    IPv6Network("2001::/23"),  # protocols, among them Teredo, whose addresses have an IPv4 one in them
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # before the IPv4 address (RFC 5214 §6.1)


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


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    """Return the address; one of IPv4 that is only written as one of IPv6 (mapped) becomes one of IPv4."""
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return None
    # ::ffff:127.0.0.1 reaches the same socket as 127.0.0.1 and is "global" to a check that looks at IPv6
    # alone.
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway would send packets for `address` to."""
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _NAT64 or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        return low
    return address.sixtofour


def is_global(address: str) -> bool:
    """Return whether `address` is globally reachable; false for text that is not an address."""
    parsed = _parse(address)
    return _is_public_ipv6(parsed) if isinstance(parsed, IPv6Address) else _is_public_ipv4(parsed)


def _is_public_ipv4(address: IPv4Address | None) -> bool:
    if address is None or not address.is_global or address.is_multicast:
        return False
    return not any(address in network for network in _NOT_PUBLIC_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    embedded = _embedded(address)
    if embedded is not None and not _is_public_ipv4(embedded):
        return False
    if address in _NAT64:
        return True
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_IPV6)


def is_loopback(address: str) -> bool:
    """Return whether `address` is this machine; false for text that is not an address."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


def local_addresses(host: str) -> tuple[str, ...]:
    """Return the addresses of a name below `localhost`, which is this machine (RFC 6761 §6.3); else none.

    No resolver is asked: many do not know such names, and one may answer with another machine's address.
    """
    return ("127.0.0.1", "::1") if host.rstrip(".").lower().endswith(".localhost") else ()


def in_ascii(host: str) -> bytes:
    """Return a host for `getaddrinfo`: for a string, Python would load its own IDNA codec, 1 MiB of tables.

    A name has been checked by `values.url` before; its labels are A-labels.
    """
    return host.encode("ascii")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of `host`.

    Raises:
        OSError: the name is unknown or the resolver does not answer.
    """
    if local := local_addresses(host):
        return local
    loop = asyncio.get_running_loop()
    entries = await loop.getaddrinfo(in_ascii(host.strip("[]")), port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


async def require_public(host: str, port: int, resolver: Resolver = resolve) -> None:
    """Raise unless every address of `host` is globally reachable.

    One private address among public ones is enough to refuse: which of them is used is not ours to choose.

    Raises:
        AddressRefused: naming the first address that is not.
        OSError: the name is unknown.
    """
    # Every address, not the first: which one is connected to, a hostile name server decides. The address that
    # was connected to is judged again, because the name may have another one by then (DNS rebinding).
    for address in [host] if _parse(host) is not None else await resolver(host, port):
        if not is_global(address):
            raise AddressRefused(address)
