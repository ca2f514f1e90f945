"""The connection of one exchange: TCP, a proxy's tunnel, TLS, and HTTP/1.1 as h11 reads and writes it.

It is used once. So what a server sends too much is never taken for the next answer, and nothing is tried
again behind the back of the record.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final, cast

import h11

from authlens_core.wire.dial import dial
from authlens_core.wire.proxy import Proxy
from authlens_core.wire.transport_events import Observation, TransportPhase

ResponseHead = h11.Response | h11.InformationalResponse

_LONGEST_HEAD: Final = 100 * 1024
_MOST_UNREAD: Final = 256 * 1024
_SWITCHING: Final = 101


class Connection:
    """One request and its answer; `close()` it whatever happened.

    Args:
        observed: told of every step; judges the address.
        connect_limit: seconds for the connection, and again for each TLS handshake.
    """

    def __init__(self, observed: Observation, connect_limit: float) -> None:
        self._observed = observed
        self._limit = connect_limit
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._bytes = _Bytes()

    async def open(
        self, host: str, port: int, *, trusted: ssl.SSLContext | None, proxy: Proxy | None = None
    ) -> None:
        """Connect, by way of a proxy if there is one.

        Args:
            host: without brackets.
            port: of the server.
            trusted: whom TLS is trusted to; None speaks plain HTTP.
            proxy: what to go through.

        Raises:
            AddressRefused: the address that was connected is not allowed; nothing was sent.
            OSError: the connection or a handshake failed, or took too long.
            h11.RemoteProtocolError: the proxy does not speak HTTP.
        """
        if proxy is not None:
            self._observed.at_proxy = True
            await self._connect(proxy.host, proxy.port)
            if proxy.scheme == "https" and trusted is not None:
                await self._secure(proxy.host, trusted)
            await self._tunnel(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy)
            self._observed.at_proxy = False
        else:
            await self._connect(host, port)
        if trusted is not None:
            await self._secure(host, trusted)

    async def ask(self, request: h11.Request, body: bytes) -> ResponseHead:
        """Send the request and return the head of its answer.

        Raises:
            h11.LocalProtocolError: the request contradicts itself; nothing was sent.
            h11.RemoteProtocolError: the answer is not HTTP, or there is none.
            OSError: the connection broke.
        """
        parts = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        written = b"".join(self._http.send(part) or b"" for part in parts)
        with self._observed.during(TransportPhase.SEND):
            self._observed.sent = True
            await self._bytes.write(written)
        with self._observed.during(TransportPhase.WAIT):
            return await self._head(self._http)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, not decoded.

        Raises:
            h11.RemoteProtocolError: it is framed wrongly or cut short.
            OSError: the connection broke.
        """
        self._observed.begin_body()
        while isinstance(event := await self._event(self._http), h11.Data):
            yield bytes(event.data)

    def close(self) -> None:
        """Close it at once, in a handshake too."""
        self._bytes.close()

    async def _connect(self, host: str, port: int) -> None:
        with self._observed.during(TransportPhase.CONNECT):
            async with asyncio.timeout(self._limit):
                connected = await dial(host, port)
                peer = connected.getpeername()
                await asyncio.get_running_loop().create_connection(lambda: self._bytes, sock=connected)
        self._observed.connected(str(peer[0]), int(peer[1]))

    async def _secure(self, host: str, trusted: ssl.SSLContext) -> None:
        with self._observed.during(TransportPhase.TLS):
            async with asyncio.timeout(self._limit):
                secured = await self._bytes.secure(host, trusted)
        self._observed.secured(secured)

    async def _tunnel(self, target: str, proxy: Proxy) -> None:
        fields = [("Host", target), ("Accept", "*/*")]
        if proxy.username is not None and proxy.password is not None:
            pair = f"{proxy.username.reveal()}:{proxy.password.reveal()}".encode()
            fields.append(("Proxy-Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        asked = h11.Request(method="CONNECT", target=target, headers=fields)
        with self._observed.during(TransportPhase.TUNNEL):
            await self._bytes.write((http.send(asked) or b"") + (http.send(h11.EndOfMessage()) or b""))
            answer = await self._head(http)
        self._observed.tunnel_status = answer.status_code
        if not 200 <= answer.status_code < 300:
            raise ConnectionRefusedError

    async def _head(self, http: h11.Connection) -> ResponseHead:
        while True:
            event = await self._event(http)
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse) and event.status_code == _SWITCHING:
                return event

    async def _event(self, http: h11.Connection) -> object:
        while True:
            event = http.next_event()
            if event is not h11.NEED_DATA:
                return event
            data = await self._bytes.read()
            if not data and http.their_state is h11.SEND_RESPONSE:
                msg = "closed connection before its answer"
                raise h11.RemoteProtocolError(msg)
            http.receive_data(data)


class _Bytes(asyncio.Protocol):
    """The bytes of a connection, both ways. What arrived before it broke can still be read."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._error: Exception | None = None
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._unread.append(data)
        self._held += len(data)
        self._arrived.set()
        if self._held > _MOST_UNREAD and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._arrived.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._error = True, exc
        self._arrived.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # What the connection calls

    async def read(self) -> bytes:
        """Return what arrived; empty at the end."""
        await self._arrived.wait()
        if not self._unread:
            if self._error is not None:
                raise self._error
            return b""
        data = b"".join(self._unread)
        self._unread.clear()
        if self._held > _MOST_UNREAD and self._transport is not None and not self._ended:
            self._transport.resume_reading()
        self._held = 0
        if not self._ended:
            self._arrived.clear()
        return data

    async def write(self, data: bytes) -> None:
        """Send, and wait until most of it left. A connection that breaks may still have an answer to read."""
        if self._transport is not None:
            self._transport.write(data)
        await self._writable.wait()

    async def secure(self, host: str, trusted: ssl.SSLContext) -> ssl.SSLObject | None:
        """Negotiate TLS; return what was negotiated.

        Raises:
            OSError: it failed.
        """
        if self._transport is None or self._ended:
            raise ConnectionResetError
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._transport, self, trusted, server_hostname=host)
        if self._transport is None:
            raise ConnectionResetError
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
