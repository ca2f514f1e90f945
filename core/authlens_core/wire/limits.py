"""How long an exchange may take and how much of an answer is read.

A timeout per socket operation, which is what HTTP libraries offer, never ends a server that sends one byte
a second. So there is one deadline by the wall clock for the whole exchange, and a cap on everything that
is kept in memory.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The bounds of one exchange.

    Attributes:
        deadline: seconds from the first step to the last byte.
        connect: seconds for the TCP connection, and again for the TLS handshake.
        body: bytes of the body that are kept.
        header_count: fields in the answer's header.
        header_bytes: bytes of the answer's header: names, values and the four bytes between and after.
        event_wait: seconds for the first event of a stream of events, which may never end; its head is what
            counts, so nothing more is read. None reads a stream like any other body.
        cut_body: true to keep a longer body cut and call the exchange complete; false to call it failed.
    """

    deadline: float = 20.0
    connect: float = 10.0
    body: int = 256 * 1024
    header_count: int = 64
    header_bytes: int = 32 * 1024
    cut_body: bool = False
    event_wait: float | None = None


METADATA: Final = Limits()
TOKEN: Final = Limits()
# The resource is the user's own: its start is worth showing, and its length is not a fault.
# MCP servers answer GET with an event stream that may never send anything.
RESOURCE: Final = Limits(body=1024 * 1024, cut_body=True, event_wait=0.3)
