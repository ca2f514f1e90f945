"""What really happened on the wire, learned from the events of the HTTP library.

Only the events tell a failure before the first byte of the request left (safe to try again) from one after
it (the server may have acted), and only the connect event gives the address that was really connected
before anything is sent to it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final

from msgspec import Struct

from authlens_core.values.exchange import Timings
from authlens_core.wire.addresses import AddressRefused, host_and_port


class TransportPhase(Enum):
    """How far an exchange has come."""

    PREPARE = "prepare"
    CONNECT = "connect"
    TLS = "tls"
    TUNNEL = "tunnel"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"


_STARTS: Final = {
    "connect_tcp": TransportPhase.CONNECT,
    "setup_socks5_connection": TransportPhase.TUNNEL,
    "start_tls": TransportPhase.TLS,
    "send_request_headers": TransportPhase.SEND,
    "receive_response_headers": TransportPhase.WAIT,
    "receive_response_body": TransportPhase.RECEIVE,
}
# The step an event ends, by its name; the body of the request belongs to sending it.
_ENDS: Final = {
    "connect_tcp": "connect",
    "start_tls": "tls",
    "send_request_body": "send",
    "receive_response_headers": "wait",
}


class Observation(Struct):
    """One exchange as it happens; an instance is the `trace` extension of its request.

    Attributes:
        judge: says whether an address may be connected to.
        step: how far it came.
        sent: true once bytes of the request may have left.
        tunnel_status: what the proxy answered to CONNECT, or None.
        peer: `address:port` of the other end of the connection.
        at_proxy: true while it is the proxy that is spoken to; meaningless without one.
    """

    judge: Callable[[str], bool] | None = None
    step: TransportPhase = TransportPhase.PREPARE
    sent: bool = False
    tunnel_status: int | None = None
    peer: str | None = None
    tls: str | None = None
    at_proxy: bool = False
    _stream: Any = None
    _connecting: bool = False
    _looked_up: float = 0.0
    _began: dict[str, float] = {}
    _spent: dict[str, float] = {}

    @contextmanager
    def lookup(self) -> Iterator[None]:
        """Take the time of the block as that of a lookup of a name, and not as that of connecting."""
        began = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            self._spent["dns"] = self._spent.get("dns", 0.0) + seconds
            if self.step is TransportPhase.CONNECT:
                self._looked_up += seconds

    async def __call__(self, event: str, info: dict[str, Any]) -> None:
        """Take one event, for example `connection.connect_tcp.started`.

        Raises:
            AddressRefused: the address that was connected is not allowed.
            ConnectionError: a SOCKS proxy refused, or answered something else.
        """
        source, _, remainder = event.partition(".")
        name, _, moment = remainder.partition(".")
        now = time.perf_counter()
        if moment == "started":
            # httpcore's `connection` and `socks` events are the way to the proxy, `proxy.start_tls` and
            # `socks.start_tls` TLS with the host through it. What `http11` sends goes to whichever came last.
            at_host = source == "proxy" or (source == "socks" and name == "start_tls")
            self.at_proxy = not at_host and (self.at_proxy or source in {"connection", "socks"})
            self._started(name, info, now)
        elif moment == "complete":
            self._completed(name, info.get("return_value"), now)
        elif name == "setup_socks5_connection" and isinstance(info["exception"], Exception):
            # httpcore asserts what the proxy answers, and socksio raises errors of no common kind.
            raise ConnectionError from info["exception"]

    def _started(self, name: str, info: dict[str, Any], now: float) -> None:
        if name == "send_request_headers":
            self._connecting = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if self._connecting and name in {"send_request_headers", "receive_response_headers"}:
            self.step = TransportPhase.TUNNEL
            return
        self.step = _STARTS.get(name, self.step)
        # CONNECT has returned above, so this is the request itself.
        if self.step is TransportPhase.SEND:
            self.at_proxy = False
        if name == "send_request_headers":
            # From the first byte on the server may act. That is what decides whether a request may be sent
            # again.
            self.sent = True
            self._began["send_request_body"] = now
        else:
            self._began[name] = now

    def _completed(self, name: str, value: Any, now: float) -> None:
        if self._connecting and name == "receive_response_headers":
            self.tunnel_status = value[1]
            return
        phase = _ENDS.get(name)
        if phase is not None and not (self._connecting and phase in {"send", "wait"}):
            self._spent[phase] = now - self._began.get(name, now)
            if phase == "connect":
                # The library looks the name up within its connect event.
                self._spent[phase] -= self._looked_up
        if name == "connect_tcp":
            self._connected(value)
        elif name == "start_tls":
            self._learn_tls(value)

    def _connected(self, stream: Any) -> None:
        self._stream = stream
        host, port = stream.get_extra_info("server_addr")[:2]
        self.peer = host_and_port(host, port)
        if self.judge is not None and not self.judge(host):
            raise AddressRefused(host)

    def _learn_tls(self, stream: Any) -> None:
        connection = stream.get_extra_info("ssl_object")
        if isinstance(connection, ssl.SSLObject):
            cipher = connection.cipher()
            self.tls = f"{connection.version()}, {cipher[0]}" if cipher else connection.version()

    async def hang_up(self) -> None:
        """Close the connection, also where the library would leave it open: in a TLS handshake cut short."""
        if self._stream is not None:
            await self._stream.aclose()

    def timings(self, now: float) -> Timings:
        """Return the seconds of each phase; a body that is still arriving counts until `now`."""
        began = self._began.get("receive_response_body")
        receive = None if began is None else now - began
        return Timings(**self._spent, receive=receive)
