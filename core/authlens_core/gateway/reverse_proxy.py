"""The reverse proxy as an ASGI application: a protected resource on this machine, without its login.

Bodies pass through in both directions as they arrive. A request is sent a second time only after a 401, with
a renewed credential, and only if its body was small enough to be held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from msgspec import Struct
from starlette.types import Message, Receive, Scope, Send

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.admission import admit
from authlens_core.gateway.forwarding import (
    Mapping,
    ResourceCookies,
    request_fields,
    response_fields,
)
from authlens_core.gateway.mcp_failure import in_json_rpc
from authlens_core.gateway.refusal import ProxyRefusal, of_error
from authlens_core.gateway.signed_stream import OWNER, OwnFields, authorized_stream, in_one_chunk
from authlens_core.grammars.http_framing import answer_fault, body_length, is_chunked
from authlens_core.values.errors import ServerMisconfigured
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import (
    STREAM_TIMEOUTS,
    NetworkStream,
    RawField,
    StreamedRequest,
    StreamedResponse,
)

# Answers 101 with these fields, and passes bytes both ways until one side ends.
Switch = Callable[[list[RawField], NetworkStream], Awaitable[None]]
# Of the upgrade, which is for one hop: each hop has its own.
_HANDSHAKE: Final = ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"))
# Bytes of a body that are held, so that it can be sent again after a 401.
_HELD_BODY: Final = 64 * 1024
# As long as a stream may be silent.
ANSWER_SECONDS: Final = STREAM_TIMEOUTS["read"]


class _ClientGone(Exception):
    """The client closed its connection before its body was complete."""


class Counters(Struct):
    """What happened so far, without anything secret.

    Attributes:
        errors: answers that were the proxy's own, and broken answers.
        last_error: the newest of them, one sentence; empty without one.
    """

    requests: int = 0
    errors: int = 0
    last_error: str = ""

    def failed(self, cause: str) -> None:
        self.errors += 1
        self.last_error = cause


class ReverseProxy:
    """Answers for the protected resource.

    Args:
        patience: seconds of silence in the body of a request, and from its end to the head of the answer;
            interim answers (1xx) do not count as one.
    """

    def __init__(
        self,
        wire: Wire,
        credential: RequestCredential,
        mapping: Mapping,
        counters: Counters,
        *,
        patience: float = ANSWER_SECONDS,
    ) -> None:
        self._wire = wire
        self.credential = credential
        self.mapping = mapping
        self.counters = counters
        self.cookies = ResourceCookies()
        self.patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; stop asking the resource when the client goes away."""
        if scope["type"] != "http":
            return
        incoming = _Incoming(receive, self.patience)
        out = _Outgoing(send, scope.get("state", {}).get("switch"))
        answering = asyncio.create_task(self._answer(scope, incoming, out))
        watching = asyncio.create_task(incoming.gone())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            if not answering.done():
                answering.cancel()
        with suppress(asyncio.CancelledError, _ClientGone):
            await answering

    async def _answer(self, scope: Scope, incoming: _Incoming, out: _Outgoing) -> None:
        fields: list[RawField] = scope["headers"]
        target = (scope["raw_path"], scope["query_string"])
        admitted = admit(
            scope["method"], target, fields=fields, mapping=self.mapping, credential=self.credential
        )
        refusal = admitted if isinstance(admitted, ProxyRefusal) else None
        try:
            if not isinstance(admitted, ProxyRefusal):
                self.counters.requests += 1
                await self._forward(scope["method"], admitted, fields=fields, incoming=incoming, out=out)
        except _ClientGone:
            raise
        except Exception as problem:
            refusal = of_error(problem, self.credential.url)
            # A status was sent: that the rest is missing can only be told by closing the connection.
            if out.started:
                self.counters.failed(refusal.cause)
                raise
        if refusal is not None:
            # A client that waits for `100 Continue` may send its body after this answer, or not: then no one
            # knows where the next request starts (RFC 9110 §10.1.1).
            ends = any(name == b"expect" for name, _ in fields) or refusal.status == 405 or out.may_switch
            await self._refuse(refusal, in_json_rpc(refusal, incoming.held), out, ends=ends)

    async def _forward(
        self, method: str, target: bytes, fields: list[RawField], incoming: _Incoming, out: _Outgoing
    ) -> None:
        def build(credential: OwnFields) -> StreamedRequest:
            passed = request_fields(fields, credential, self.mapping, self.cookies)
            handshake = _HANDSHAKE if out.may_switch else ()
            return StreamedRequest(
                method,
                self.mapping.upstream,
                target=target,
                fields=(*passed, *handshake),
                body=incoming.body(),
            )

        async with asyncio.timeout(self.patience) as deadline:
            # A large body may take longer than that to arrive; each part of it moves the deadline.
            replayable = await incoming.hold(fields, deadline)
            sent = authorized_stream(self._wire, self.credential, build, replayable=replayable)
            async with sent as answer:
                deadline.reschedule(None)
                await self._pass_on(answer, out)

    async def _pass_on(self, answer: StreamedResponse, out: _Outgoing) -> None:
        switched = answer.connection if answer.status == 101 and out.may_switch else None
        if switched is not None and answer.get_all("upgrade") not in (("websocket",), ("WebSocket",)):
            raise _unusable("it switches to a protocol that was not requested")
        # 101 has no body and no length; the rules on fields are those of any other answer.
        head = self._passed_fields(answer, HTTPStatus.NO_CONTENT if switched is not None else answer.status)
        if switched is not None:
            await out.switch([*head, *_HANDSHAKE], switched)
            return
        if out.may_switch:
            # What the client sends behind its handshake would be read as the next request.
            head.append((b"connection", b"close"))
        await out.send({"type": "http.response.start", "status": answer.status, "headers": head})
        async for chunk in answer.body:
            await out.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await out.send({"type": "http.response.body", "body": b""})

    def _passed_fields(self, answer: StreamedResponse, status: int) -> list[RawField]:
        """Return the header fields of a final answer for the client.

        Raises:
            AuthlensError: the answer cannot be passed on.
        """
        fault = answer_fault(status, answer.fields)
        if fault:
            raise _unusable(fault)
        return list(response_fields(answer.fields, self.mapping, self.cookies, status=status))

    async def _refuse(self, refusal: ProxyRefusal, line: bytes | None, out: _Outgoing, *, ends: bool) -> None:
        if refusal.status >= 500:
            self.counters.failed(refusal.cause)
        # Clients of MCP show the error of a JSON-RPC response, and drop the body of any status but 200.
        status, body = (refusal.status, refusal.body) if line is None else (200, line)
        fields = [*refusal.fields_of(len(body)), *([(b"connection", b"close")] if ends else [])]
        await out.send({"type": "http.response.start", "status": status, "headers": fields})
        await out.send({"type": "http.response.body", "body": body})


def _unusable(fault: str) -> ServerMisconfigured:
    return ServerMisconfigured(f"The resource's answer cannot be passed on: {fault}.", OWNER)


class _Outgoing:
    """The answer to the client.

    Attributes:
        started: true once a part of it was sent.
        may_switch: whether the client asks to go on with WebSocket.
    """

    def __init__(self, send: Send, switch: Switch | None) -> None:
        self._send = send
        self._switch = switch
        self.may_switch = switch is not None
        self.started = False

    async def switch(self, fields: list[RawField], connection: NetworkStream) -> None:
        self.started = True
        if self._switch is not None:
            await self._switch(fields, connection)

    async def send(self, message: Message) -> None:
        self.started = True
        await self._send(message)


class _Incoming:
    """The body of a request as it arrives, and the moment at which its client goes away."""

    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive = receive
        self._patience = patience
        self._complete = asyncio.Event()
        self._held: bytes | None = None
        self._deadline: asyncio.Timeout | None = None

    async def hold(self, fields: list[RawField], deadline: asyncio.Timeout) -> bool:
        """Read a small body whole; return whether the request can be sent again.

        Args:
            deadline: is moved by each part that arrives.
        """
        self._deadline = deadline
        # A body that names no length may have no end.
        if is_chunked(fields) or (body_length(fields) or 0) > _HELD_BODY:
            return False
        self._held = b"".join([chunk async for chunk in self._chunks()])
        return True

    @property
    def held(self) -> bytes:
        """The body, where it was small enough to be held."""
        return self._held or b""

    def body(self) -> AsyncIterable[bytes] | None:
        if self._held is None:
            return self._chunks()
        return in_one_chunk(self._held) if self._held else None

    async def gone(self) -> None:
        """Return when the client has closed the connection after its body was complete."""
        # Until then the body is read from the same source: two readers would take parts from each other.
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if self._deadline is not None:
                self._deadline.reschedule(asyncio.get_running_loop().time() + self._patience)
            if message["type"] == "http.disconnect":
                raise _ClientGone
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                self._complete.set()
                return
