"""Whose a TCP socket is, as Linux says it: in the tables of /proc/net, and in answer to a question.

The tables: proc(5) and the kernel's Documentation/networking/proc_net_tcp.rst. One socket a line, after a
line of titles. An address is hexadecimal, each 32-bit word of it in the byte order of the machine, then a
colon and the port. A line that is not understood is left out.

The question, which needs no walk through all sockets: sock_diag(7), netlink(7) and linux/inet_diag.h. A
netlink header, then `struct inet_diag_req_v2`; the answer has `struct inet_diag_msg` behind its header.
Anything else is not an answer.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from msgspec import Struct

LISTEN: Final = "0A"
# A busy server has tens of thousands.
_MAX_LINES: Final = 100_000
_WORD: Final = 4  # bytes
NETLINK_SOCK_DIAG: Final = 4
LONGEST_ANSWER: Final = 8192  # bytes
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST: Final = 1  # NLM_F_REQUEST
_ERROR: Final = 2  # NLMSG_ERROR
_EVERY_STATE: Final = 0xFFFFFFFF
_NO_COOKIE: Final = b"\xff" * 8
_HEADER: Final = struct.Struct("=LHHLL")
_QUESTION: Final = struct.Struct("=BBBxL")
# Family, state, timer, retransmissions; the endpoints; three counters; account and inode.
_ANSWER: Final = struct.Struct("=BBBB48x12xLL")
_ERRNO: Final = struct.Struct("=l")

Endpoint = tuple[str, int]


class TcpSocket(Struct, frozen=True):
    """One line.

    Attributes:
        local: address and port as the kernel writes them.
        state: in hexadecimal.
        account: the user id of the program that made it; meaningless where `inode` is 0.
        inode: 0 once no program has the socket any more.
    """

    local: str
    state: str
    account: int
    inode: int


def sockets(lines: Iterable[str]) -> Iterator[TcpSocket]:
    """Yield the sockets of one table."""
    for line in islice(lines, 1, _MAX_LINES):
        fields = line.split()
        if len(fields) > 9 and fields[7].isdecimal() and fields[9].isdecimal():
            yield TcpSocket(fields[1], fields[3], int(fields[7]), int(fields[9]))


def endpoint(written: str) -> tuple[bytes, int]:
    """Return address, in network order, and port.

    Raises:
        ValueError: it is not written as the kernel does.
    """
    address, _, port = written.partition(":")
    numbers = [int(address[start : start + 2 * _WORD], 16) for start in range(0, len(address), 2 * _WORD)]
    return b"".join(word.to_bytes(_WORD, sys.byteorder) for word in numbers), int(port, 16)


class NotAnAnswer(ValueError):
    """The bytes are not what the kernel answers; its error number is the argument, if there is one."""


def owner_question(local: Endpoint, remote: Endpoint) -> bytes:
    """Return the message that asks for the one IPv4 socket with these ends."""
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _EVERY_STATE) + b"".join(
        [
            *(struct.pack("!HH", local[1], remote[1]), _padded(local[0]), _padded(remote[0])),
            *(bytes(4), _NO_COOKIE),
        ]
    )
    return _HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + question


def read_owner(message: bytes) -> int | None:
    """Return the user id of the program that made the socket; None once no program has it any more.

    Raises:
        NotAnAnswer: there is no such socket, or the kernel does not say.
    """
    if len(message) < _HEADER.size:
        raise NotAnAnswer
    _, kind, _, _, _ = _HEADER.unpack_from(message)
    if kind == _ERROR and len(message) >= _HEADER.size + _ERRNO.size:
        raise NotAnAnswer(-_ERRNO.unpack_from(message, _HEADER.size)[0])
    if kind != _SOCK_DIAG_BY_FAMILY or len(message) < _HEADER.size + _ANSWER.size:
        raise NotAnAnswer
    *_, account, inode = _ANSWER.unpack_from(message, _HEADER.size)
    return int(account) if inode else None


def _padded(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed + bytes(12)
