"""The tables of TCP sockets in /proc/net/tcp and /proc/net/tcp6.

Source: proc(5) and the kernel's Documentation/networking/proc_net_tcp.rst: one socket a line, after a line
of titles. An address is hexadecimal, each 32-bit word of it in the byte order of the machine, then a colon
and the port. A line that is not understood is left out.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from authlens_core.values.quick_dataclass import dataclass

LISTEN: Final = "0A"
# A busy server has tens of thousands.
_MAX_LINES: Final = 100_000
_WORD: Final = 4  # bytes


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One line.

    Attributes:
        local: address and port as the kernel writes them.
        remote: the other end, likewise.
        state: in hexadecimal.
        account: the user id of the program that made it; meaningless where `inode` is 0.
        inode: 0 once no program has the socket any more.
    """

    local: str
    remote: str
    state: str
    account: int
    inode: int


def sockets(lines: Iterable[str]) -> Iterator[TcpSocket]:
    """Yield the sockets of one table."""
    for line in islice(lines, 1, _MAX_LINES):
        fields = line.split()
        if len(fields) > 9 and fields[7].isdecimal() and fields[9].isdecimal():
            yield TcpSocket(fields[1], fields[2], fields[3], int(fields[7]), int(fields[9]))


def endpoint(written: str) -> tuple[bytes, int]:
    """Return address, in network order, and port.

    Raises:
        ValueError: it is not written as the kernel does.
    """
    address, _, port = written.partition(":")
    words = [int(address[at : at + 2 * _WORD], 16) for at in range(0, len(address), 2 * _WORD)]
    return b"".join(word.to_bytes(_WORD, sys.byteorder) for word in words), int(port, 16)


def spellings(address: str, port: int) -> frozenset[str]:
    """Return how the tables write an IPv4 endpoint: in the first, and as a mapped address in the second."""
    packed = ipaddress.IPv4Address(address).packed
    mapped = bytes(10) + b"\xff\xff" + packed
    return frozenset(f"{_hexadecimal(one)}:{port:04X}" for one in (packed, mapped))


def _hexadecimal(packed: bytes) -> str:
    words = (packed[at : at + _WORD] for at in range(0, len(packed), _WORD))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
