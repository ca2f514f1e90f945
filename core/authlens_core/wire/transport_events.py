"""What really happened on the wire: how far an exchange came, with whom, and how long each step took.

Only this tells a failure before the first byte of the request left (safe to try again) from one after it
(the server may have acted). The address that was really connected is judged before anything is sent to it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from authlens_core.wire.addresses import AddressRefused
from authlens_core.wire.exchange import Timings


class TransportPhase(Enum):
    """How far an exchange has come."""

    PREPARE = "prepare"
    CONNECT = "connect"
    TLS = "tls"
    TUNNEL = "tunnel"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"


_TIMED: Final = frozenset(
    {TransportPhase.CONNECT, TransportPhase.TLS, TransportPhase.SEND, TransportPhase.WAIT}
)


@dataclass(slots=True)
class Observation:
    """One exchange as it happens.

    Attributes:
        judge: says whether an address may be connected to.
        step: how far it came.
        sent: true once bytes of the request may have left.
        tunnel_status: what the proxy answered to CONNECT, or None.
        peer: `address:port` of the other end of the connection.
        tls: version and cipher.
        at_proxy: true while it is the proxy that is spoken to; meaningless without one.
    """

    judge: Callable[[str], bool] | None = None
    step: TransportPhase = TransportPhase.PREPARE
    sent: bool = False
    tunnel_status: int | None = None
    peer: str | None = None
    tls: str | None = None
    at_proxy: bool = False
    _body_began: float | None = None
    _spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def during(self, phase: TransportPhase) -> Iterator[None]:
        """Be in `phase`; its time is noted when it succeeds."""
        self.step, began = phase, time.perf_counter()
        yield
        if phase in _TIMED:
            self._spent[phase.value] = time.perf_counter() - began

    def begin_body(self) -> None:
        """The head has come, and the body is read from now on."""
        self.step, self._body_began = TransportPhase.RECEIVE, time.perf_counter()

    def connected(self, host: str, port: int) -> None:
        """Note whom the connection leads to.

        Raises:
            AddressRefused: that address is not allowed.
        """
        self.peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if self.judge is not None and not self.judge(host):
            raise AddressRefused(host)

    def secured(self, connection: ssl.SSLObject | None) -> None:
        """Note what TLS was negotiated."""
        if connection is not None:
            cipher = connection.cipher()
            self.tls = f"{connection.version()}, {cipher[0]}" if cipher else connection.version()

    def timings(self, now: float) -> Timings:
        """Return the seconds of each phase; a body that is still arriving counts until `now`."""
        receive = None if self._body_began is None else now - self._body_began
        return Timings(**self._spent, receive=receive)
