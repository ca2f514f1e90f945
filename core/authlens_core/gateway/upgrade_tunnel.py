"""WebSocket through the proxy: once both sides have switched protocols, bytes pass untouched.

uvicorn hands a connection over at an upgrade request. Frames are not parsed, so compression and every
extension that the two ends agree on work.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import h11

from authlens_core.gateway.forwarding import request_fields
from authlens_core.gateway.http_protocol import LONGEST_HEAD, bad_request
from authlens_core.gateway.refusal import ProxyRefusal, of_error, unusable
from authlens_core.gateway.reverse_proxy import ReverseProxy, no_answer
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream
from authlens_core.values.errors import AuthlensError
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import (
    NetworkStream,
    RawField,
    StreamedRequest,
    StreamedResponse,
    StreamFailed,
)

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
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        with suppress(OSError):
            await connection.aclose()
