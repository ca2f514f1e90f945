"""One connection of a client: uvicorn's protocol, for this account alone, and without its leniency.

What it refuses itself gets one answer in JSON, and the connection closes: after an ambiguous request no one
can say where the next one starts. At an upgrade uvicorn hands the connection over: once both sides have
switched to WebSocket, bytes pass untouched. Frames are not parsed, so compression and every extension that
the two ends agree on work.

"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import h11
from msgspec.structs import replace
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from authlens_core.gateway.admission import refused_peer
from authlens_core.gateway.forwarding import request_fields
from authlens_core.gateway.refusal import ASK_AT_ITS_URL, ProxyRefusal, of_error, unusable
from authlens_core.gateway.reverse_proxy import ReverseProxy, no_answer
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream
from authlens_core.grammars.http_framing import WHOLE_URL, head_fault
from authlens_core.values.errors import AuthlensError
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import (
    NetworkStream,
    RawField,
    StreamedRequest,
    StreamedResponse,
    StreamFailed,
)

LONGEST_HEAD: Final = 64 * 1024  # bytes of a request's header
_HEAD_SECONDS: Final = 75.0  # from the connection, or its last answer, to the whole head of a request
# Seconds in which bytes are thrown away after a refusal: closing with unread ones sends a reset, which can
# overtake the answer (RFC 9112 §9.6).
_LINGER: Final = 1.0
_Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class StrictReader(h11.Connection):
    """Reads requests as h11 does, and refuses those that another program could read differently.

    Attributes:
        fault: why the last request was refused, in constant words.
        status: the status to answer with.
    """

    def __init__(self, our_role: type[h11.SERVER], max_incomplete_event_size: int) -> None:
        super().__init__(our_role, max_incomplete_event_size)
        self.fault, self.status = "", HTTPStatus.BAD_REQUEST

    def next_event(self) -> _Event:
        # Request smuggling: what this program and the server behind it read differently is refused, not
        # repaired.
        if self.their_state is h11.IDLE:
            # Before h11 reads it, which lets through what two servers may read in different ways.
            received = self.trailing_data[0]
            if len(received.partition(b"\r\n\r\n")[0]) > LONGEST_HEAD:
                self.fault, self.status = "a header over 64 KiB", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            else:
                self.fault = head_fault(received)
            if self.fault:
                raise h11.RemoteProtocolError(self.fault)
        try:
            return super().next_event()
        except h11.RemoteProtocolError:
            self.fault = "a syntax error"
            raise


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

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        fault = self._upgrade_fault(event)
        if fault:
            self.refuse(bad_request(fault))
            return
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _upgrade_fault(self, event: h11.Request) -> str:
        names = [name for name, _ in event.headers]
        if event.method != b"GET" or event.http_version != b"1.1" or names.count(b"upgrade") != 1:
            return "an upgrade that is not one GET of HTTP/1.1 to one protocol"
        # RFC 6455 §4.1: the handshake has no body, and the client sends nothing before the answer.
        # A length of 0 is no body: Dart's client sends one.
        length = dict(event.headers).get(b"content-length", b"0")
        framed = b"transfer-encoding" in names or length != b"0"
        if framed or self.conn.trailing_data[0]:
            return "an upgrade with a body, or with bytes after it"
        return ""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        self.refuse(bad_request(self.conn.fault, self.conn.status))

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


def bad_request(fault: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> ProxyRefusal:
    """Return the answer to a request that is not forwarded because of its form."""
    if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return ProxyRefusal(
            431, "header_too_large", f"The request has {fault}.", "Send fewer or shorter fields."
        )
    cure = ASK_AT_ITS_URL if fault == WHOLE_URL else "Correct the client: the request must follow RFC 9112."
    return ProxyRefusal(400, "bad_request", f"The request has {fault}.", cure)


_CHUNK: Final = 64 * 1024
# Of the upgrade, which is for one hop: each hop has its own.
_HANDSHAKE: Final = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))


class UpgradeTunnel:
    """Takes connections over from uvicorn; give `protocol` to its configuration as `ws`."""

    def __init__(self, proxy: ReverseProxy, wire: Wire) -> None:
        self._proxy = proxy
        self._wire = wire
        self._running: set[asyncio.Task[Any]] = set()

    def protocol(self, **_: object) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=LONGEST_HEAD + _CHUNK), self._serve)

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        client = h11.Connection(h11.SERVER, LONGEST_HEAD + _CHUNK)
        try:
            refusal = await self._tunnel(client, reader, writer)
            if refusal is not None:
                _write_head(client, writer, refusal.status, refusal.fields)
                writer.write(client.send(h11.Data(data=refusal.body)) or b"")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, h11.ProtocolError):
            pass  # one of the two ends is gone, and the other is closed below
        finally:
            writer.close()

    async def _tunnel(
        self, client: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> ProxyRefusal | None:
        # uvicorn has parsed the head, and writes it out again as the first bytes for this protocol.
        client.receive_data(await reader.readuntil(b"\r\n\r\n"))
        event = client.next_event()
        if not isinstance(event, h11.Request):
            return bad_request("a syntax error")
        fields = list(event.headers)
        path, _, query = event.target.partition(b"?")
        admitted = self._proxy.admit(event.method.decode("ascii"), path, query, fields)
        if isinstance(admitted, ProxyRefusal):
            return admitted
        self._proxy.counters.requests += 1

        def build(own: OwnFields) -> StreamedRequest:
            passed = request_fields(fields, own, self._proxy.mapping, self._proxy.cookies)
            return StreamedRequest("GET", self._proxy.mapping.upstream, admitted, (*passed, *_HANDSHAKE))

        try:
            async with asyncio.timeout(self._proxy.patience) as deadline:
                async with authorized_stream(self._wire, self._proxy.credential, build) as answer:
                    # Patience is for the answer to the handshake; the connection itself may be silent for
                    # hours.
                    deadline.reschedule(None)
                    return await self._connect(client, answer, reader, writer)
        except TimeoutError:
            return of_error(no_answer(self._proxy.patience), self._proxy.credential.url)
        except (AuthlensError, StreamFailed) as error:
            return of_error(error, self._proxy.credential.url)

    async def _connect(
        self,
        client: h11.Connection,
        answer: StreamedResponse,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> ProxyRefusal | None:
        switched = answer.status == 101 and answer.connection is not None
        if switched and [value.lower() for value in map(str.encode, answer.get_all("upgrade"))] != [
            b"websocket"
        ]:
            return unusable("it switches to a protocol that was not requested")
        # 101 has no body and no length; the rules on fields are those of any other answer.
        head = self._proxy.passed_fields(replace(answer, status=200) if switched else answer)
        if isinstance(head, ProxyRefusal):
            return head
        if switched and answer.connection is not None:
            without_length = [pair for pair in head if pair[0].lower() != b"content-length"]
            _write_head(client, writer, 101, [*without_length, *_HANDSHAKE])
            await writer.drain()
            await _relay(reader, writer, answer.connection)
            return None
        _write_head(client, writer, answer.status, head)
        try:
            async for chunk in answer.body:
                writer.write(client.send(h11.Data(data=chunk)) or b"")
                await writer.drain()
            writer.write(client.send(h11.EndOfMessage()) or b"")
        except StreamFailed as failed:
            self._proxy.counters.failed(failed.failure.cause)
        return None


def _write_head(
    client: h11.Connection, writer: asyncio.StreamWriter, status: int, fields: list[RawField]
) -> None:
    """Write the head of the answer; after any but a 101 the connection ends."""
    event: h11.InformationalResponse | h11.Response
    if status == HTTPStatus.SWITCHING_PROTOCOLS:
        event = h11.InformationalResponse(status_code=status, headers=fields, reason=b"Switching Protocols")
    else:
        event = h11.Response(status_code=status, headers=[*fields, (b"Connection", b"close")])
    writer.write(client.send(event) or b"")


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
