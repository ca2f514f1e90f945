"""The kernel's answer to the question whose a TCP socket is, without a walk through all of them.

Source: sock_diag(7), netlink(7) and linux/inet_diag.h: a netlink header, then `struct inet_diag_req_v2`; the
answer has `struct inet_diag_msg` behind its header. Anything else is no answer.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Final

from authlens_core.values.quick_dataclass import dataclass

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


class NotAnAnswer(ValueError):
    """The bytes are not what the kernel answers; its error number is the argument, if there is one."""


@dataclass(frozen=True, slots=True)
class SocketOwner:
    """Whose a socket is.

    Attributes:
        account: the user id of the program that made it; meaningless where `inode` is 0.
        inode: 0 once no program has the socket any more.
    """

    account: int
    inode: int


def question(local: Endpoint, remote: Endpoint) -> bytes:
    """Return the message that asks for the one IPv4 socket with these ends."""
    asked = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _EVERY_STATE) + b"".join(
        [
            *(struct.pack("!HH", local[1], remote[1]), _padded(local[0]), _padded(remote[0])),
            *(bytes(4), _NO_COOKIE),
        ]
    )
    return _HEADER.pack(_HEADER.size + len(asked), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + asked


def owner(message: bytes) -> SocketOwner:
    """Read the answer.

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
    return SocketOwner(account, inode)


def _padded(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed + bytes(12)
