"""WebSocket through the proxy: once both sides have switched protocols, bytes pass untouched.

uvicorn hands a connection over at an upgrade request. Frames are not parsed, so compression and every
extension that the two ends agree on work.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import h11

from authlens_core.errors import AuthlensError
from authlens_core.gateway.forwarding import CrossOriginRedirect, request_fields, response_fields
from authlens_core.gateway.refusal import ProxyRefusal, of_error
from authlens_core.gateway.reverse_proxy import ReverseProxy
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import (
    NetworkStream,
    RawField,
    StreamedRequest,
    StreamedResponse,
    StreamFailed,
)

_CHUNK: Final = 64 * 1024
_HANDSHAKE: Final = frozenset({b"connection", b"upgrade"})


class UpgradeTunnel:
    """Takes connections over from uvicorn; give `protocol` to its configuration as `ws`."""

    def __init__(self, proxy: ReverseProxy, wire: Wire) -> None:
        self._proxy = proxy
        self._wire = wire
        self._running: set[asyncio.Task[Any]] = set()

    def protocol(self, **_: object) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=_CHUNK), self._serve)

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        try:
            refusal = await self._tunnel(reader, writer)
            if refusal is not None:
                writer.write(_head(refusal.status, [*refusal.fields, (b"Connection", b"close")]))
                writer.write(refusal.body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, h11.ProtocolError):
            pass  # one of the two ends is gone, and the other is closed below
        finally:
            writer.close()

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> ProxyRefusal | None:
        connection = h11.Connection(h11.SERVER)
        try:
            # uvicorn has parsed the head, and writes it out again as the first bytes for this protocol.
            connection.receive_data(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            return ProxyRefusal(
                431,
                "header_too_large",
                f"The head of the upgrade request is larger than {_CHUNK // 1024} KiB.",
                "Send fewer or shorter header fields.",
            )
        event = connection.next_event()
        if not isinstance(event, h11.Request):
            return ProxyRefusal(400, "bad_request", "This is not an upgrade request.")
        fields = list(event.headers)
        path, _, query = event.target.partition(b"?")
        admitted = self._proxy.admit(path, query, fields)
        if isinstance(admitted, ProxyRefusal):
            return admitted
        self._proxy.counters.requests += 1

        def build(own: OwnFields) -> StreamedRequest:
            passed = (*request_fields(fields, own, self._proxy.mapping), *_handshake(fields))
            return StreamedRequest("GET", self._proxy.mapping.upstream, admitted, passed)

        try:
            async with authorized_stream(self._wire, self._proxy.credential, build) as answer:
                return await self._connect(answer, reader, writer)
        except (AuthlensError, StreamFailed) as error:
            return of_error(error, self._proxy.credential.url)

    async def _connect(
        self, answer: StreamedResponse, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> ProxyRefusal | None:
        try:
            fields = list(response_fields(answer.fields, self._proxy.mapping))
        except CrossOriginRedirect as elsewhere:
            return self._proxy.elsewhere(elsewhere)
        if answer.status == 101 and answer.connection is not None:
            writer.write(_head(101, [*fields, *_handshake(answer.fields)]))
            await writer.drain()
            await _relay(reader, writer, answer.connection)
            return None
        # It ends with the connection, because chunks would need framing; where it has a length, that tells
        # the client whether it is whole.
        writer.write(_head(answer.status, [*fields, (b"Connection", b"close")]))
        try:
            async for chunk in answer.body:
                writer.write(chunk)
                await writer.drain()
        except StreamFailed as failed:
            self._proxy.counters.failed(failed.failure.cause)
        return None


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


def _handshake(fields: tuple[RawField, ...] | list[RawField]) -> list[RawField]:
    """Return the fields of the upgrade, which are for one hop: this hop makes new ones for the next."""
    return [pair for pair in fields if pair[0].lower() in _HANDSHAKE]


def _head(status: int, fields: list[RawField]) -> bytes:
    phrase = b"Switching Protocols" if status == 101 else b""
    lines = [b"HTTP/1.1 %d %b" % (status, phrase), *(b"%b: %b" % pair for pair in fields)]
    return b"\r\n".join([*lines, b"", b""])
