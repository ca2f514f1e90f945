"""One connection of a client: uvicorn's protocol, for this account alone, and without its leniency.

What it refuses itself gets one answer in JSON, and the connection closes: after an ambiguous request no one
can say where the next one starts. Once both sides have switched to WebSocket, bytes pass untouched. Frames
are not parsed, so compression and every extension that the two ends agree on work.

A subclass, because uvicorn's settings bound neither the time until the first head is complete nor what h11
lets through, and because an application has no transport to pass WebSocket through.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from authlens_core.gateway.admission import refused_peer
from authlens_core.gateway.refusal import ASK_AT_ITS_URL, ProxyRefusal
from authlens_core.grammars.http_framing import WHOLE_URL, head_fault
from authlens_core.wire.streaming import NetworkStream, RawField

LONGEST_HEAD: Final = 64 * 1024  # bytes of a request's header
_HEAD_SECONDS: Final = 75.0  # from the connection, or its last answer, to the whole head of a request
# Seconds in which bytes are thrown away after a refusal: closing with unread ones sends a reset, which can
# overtake the answer (RFC 9112 §9.6).
_LINGER: Final = 1.0
_FOLLOW: Final = "Correct the client: the request must follow RFC 9112."


class StrictReader(h11.Connection):
    """Reads requests as h11 does, and refuses those that another program could read differently.

    Attributes:
        refusal: the answer to the last request that was refused.
    """

    refusal = ProxyRefusal(400, "bad_request", "The request has a syntax error.", _FOLLOW)

    def next_event(self) -> Any:
        # Request smuggling: what this program and the server behind it read differently is refused, not
        # repaired. It is judged before h11 reads it, which lets some of it through.
        if self.their_state is h11.IDLE:
            refusal = _refusal_of_head(self.trailing_data[0])
            if refusal is not None:
                self.refusal = refusal
                raise h11.RemoteProtocolError(refusal.cause)
        return super().next_event()


def _refusal_of_head(received: bytes) -> ProxyRefusal | None:
    if len(received.partition(b"\r\n\r\n")[0]) > LONGEST_HEAD:
        cause = "The request has a header over 64 KiB."
        return ProxyRefusal(431, "header_too_large", cause, "Send fewer or shorter fields.")
    fault = head_fault(received)
    cure = ASK_AT_ITS_URL if fault == WHOLE_URL else _FOLLOW
    return ProxyRefusal(400, "bad_request", f"The request has {fault}.", cure) if fault else None


class HttpProtocol(H11Protocol):
    """Serves one connection; its arguments are uvicorn's."""

    def __init__(
        self,
        config: Any,
        server_state: Any,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn: StrictReader = StrictReader(h11.SERVER, 2 * LONGEST_HEAD)
        self._stranger: ProxyRefusal | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        super().connection_made(transport)
        # Asked now: once the other end has closed, the system no longer knows whose it was.
        self._stranger = refused_peer(transport.get_extra_info("socket"))
        self._wait(_HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._leaving:
            return
        # Answered only when something was sent: a refusal at once could be read as the answer to a later
        # request.
        if self._stranger is not None:
            self.refuse(self._stranger)
            return
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if self._leaving:
            return
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:
            self._wait(_HEAD_SECONDS, self._too_slow)

    def _should_upgrade(self) -> bool:
        # uvicorn would hand the connection over. Here it is a request as any other; its answer may be 101.
        if self._get_upgrade() == b"websocket":
            self.scope["state"]["switch"] = self.switch
        return False

    async def switch(self, fields: list[RawField], connection: NetworkStream) -> None:
        """Answer 101 to the request that is being served, and pass bytes both ways until one side ends."""
        self.cycle.disconnected = True  # for uvicorn, which waits for no other answer now
        head = h11.InformationalResponse(status_code=101, headers=fields, reason=b"Switching Protocols")
        self.transport.write(self.conn.send(head) or b"")
        reader = asyncio.StreamReader(_CHUNK)
        protocol = asyncio.StreamReaderProtocol(reader)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        reader.feed_data(self.conn.trailing_data[0])
        self.flow.resume_reading()
        writer = asyncio.StreamWriter(self.transport, protocol, reader, self.loop)
        try:
            await _relay(reader, writer, connection)
        finally:
            self.connections.discard(self)
            writer.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        self.refuse(self.conn.refusal)

    def refuse(self, refusal: ProxyRefusal) -> None:
        """Answer the request that is being read, if it has no answer yet, and close the connection."""
        self._leaving = True
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            # The application stops when it next looks: its client is gone.
            cycle.disconnected = True
            cycle.message_event.set()
        # A part of another answer is out already; words within it would be taken for its body.
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        is_head = self.conn.our_state is h11.SEND_RESPONSE and self.scope["method"] == "HEAD"
        reason = HTTPStatus(refusal.status).phrase.encode()
        fields = [*refusal.fields, (b"Connection", b"close")]
        for event in (
            h11.Response(status_code=refusal.status, headers=fields, reason=reason),
            h11.Data(data=b"" if is_head else refusal.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        # Closed at once, the system would reset the connection while the client sends, and drop the answer.
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._wait(_LINGER, self.transport.abort)

    def _too_slow(self) -> None:
        # Keep-alive: a client that sends nothing has done nothing wrong, so it gets no answer that it would
        # misread.
        if self.conn.trailing_data[0]:
            cause = f"The head of the request was not complete after {_HEAD_SECONDS:.0f} seconds."
            self.refuse(ProxyRefusal(408, "timed_out", cause, "Send it again."))
        else:
            self.transport.close()

    def _wait(self, seconds: float, then: Any) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_CHUNK: Final = 64 * 1024


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: NetworkStream
) -> None:
    """Pass bytes both ways until one side ends."""

    async def up() -> None:
        while data := await reader.read(_CHUNK):
            await connection.write(data)

    async def down() -> None:
        while data := await connection.read(_CHUNK):
            writer.write(data)
            await writer.drain()

    ways = {asyncio.create_task(up()), asyncio.create_task(down())}
    try:
        # WebSocket closes by a frame, so an end of bytes in one direction is the end of both.
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        with suppress(OSError):
            await connection.aclose()
