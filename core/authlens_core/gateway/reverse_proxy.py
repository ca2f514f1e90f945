"""The reverse proxy as an ASGI application: a protected resource on this machine, without its login.

Bodies pass through in both directions as they arrive. A request is sent a second time only after a 401, with
a renewed credential, and only if its body was small enough to be held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.types import Receive, Scope, Send

from authlens_core.access.team import LOGIN_PATH
from authlens_core.errors import AuthlensError, LoginNeeded
from authlens_core.gateway.forwarding import (
    CrossOriginRedirect,
    Mapping,
    is_hidden,
    request_fields,
    response_fields,
)
from authlens_core.gateway.refusal import ProxyRefusal, of_error
from authlens_core.gateway.request_credential import RequestCredential
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream, in_one_chunk
from authlens_core.quick_dataclass import dataclass
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import RawField, StreamedRequest, StreamedResponse, StreamFailed

# Bytes of a body that are held, so that it can be sent again after a 401.
_HELD_BODY: Final = 64 * 1024


class _AnswerCut(Exception):
    """An answer broke off after a part of it was passed on: the server closes the connection, too."""


class _ClientGone(Exception):
    """The client closed its connection before its body was complete."""


@dataclass(slots=True)
class Counters:
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
    """Answers for the protected resource."""

    def __init__(
        self, wire: Wire, credential: RequestCredential, mapping: Mapping, counters: Counters
    ) -> None:
        self._wire = wire
        self.credential = credential
        self.mapping = mapping
        self.counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; stop asking the resource when the client goes away."""
        if scope["type"] != "http":
            return
        incoming = _Incoming(receive)
        answering = asyncio.create_task(self._answer(scope, incoming, send))
        watching = asyncio.create_task(incoming.gone())
        try:
            await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            if not answering.done():
                answering.cancel()
        with suppress(asyncio.CancelledError, _ClientGone):
            await answering

    def admit(self, raw_path: bytes, query: bytes, fields: list[RawField]) -> ProxyRefusal | bytes:
        """Return path and query for the resource, or why the request is not let in."""
        host = _value(fields, b"host")
        own = self.mapping.local.partition("://")[2]
        # Against DNS rebinding: a page whose name leads to 127.0.0.1 sends that name as its host.
        if own and host != own.encode():
            return ProxyRefusal(421, "wrong_host", f"This proxy serves only the host {own}.")
        origin = _value(fields, b"origin")
        if origin and origin != self.mapping.local.encode():
            return ProxyRefusal(403, "wrong_origin", "Requests of web pages from other origins are refused.")
        target = self.mapping.target(raw_path, query)
        if target is None:
            return ProxyRefusal(404, "not_found", "Nothing was found at this address (404).")
        path = target.partition(b"?")[0].decode("latin-1")
        if is_hidden(path):
            return ProxyRefusal(404, "not_found", "OAuth is hidden here: the proxy adds the credential.")
        if not self.credential.covers(path):
            shown = unquote(path)
            return ProxyRefusal(403, "not_covered", f"The credential is not for {shown}.")
        return target

    async def _answer(self, scope: Scope, incoming: _Incoming, send: Send) -> None:
        fields: list[RawField] = scope["headers"]
        admitted = self.admit(scope["raw_path"], scope["query_string"], fields)
        if isinstance(admitted, ProxyRefusal):
            await self._refuse(admitted, send)
            return
        self.counters.requests += 1
        replayable = await incoming.hold(fields)

        def build(own: OwnFields) -> StreamedRequest:
            passed = request_fields(fields, own, self.mapping)
            return StreamedRequest(scope["method"], self.mapping.upstream, admitted, passed, incoming.body())

        try:
            async with authorized_stream(self._wire, self.credential, build, replayable=replayable) as answer:
                refusal = await self._pass_on(answer, send)
        except (AuthlensError, StreamFailed) as error:
            refusal = of_error(error, self.credential.url)
        if refusal is not None:
            await self._refuse(refusal, send)

    async def _pass_on(self, answer: StreamedResponse, send: Send) -> ProxyRefusal | None:
        try:
            fields = list(response_fields(answer.fields, self.mapping))
        except CrossOriginRedirect as elsewhere:
            return self.elsewhere(elsewhere)
        await send({"type": "http.response.start", "status": answer.status, "headers": fields})
        try:
            async for chunk in answer.body:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except StreamFailed as failed:
            self.counters.failed(failed.failure.cause)
            raise _AnswerCut from failed
        await send({"type": "http.response.body", "body": b""})
        return None

    def elsewhere(self, redirect: CrossOriginRedirect) -> ProxyRefusal:
        """Return the answer where the resource redirects to another origin."""
        host = urlsplit(redirect.target).netloc
        if LOGIN_PATH in redirect.target:
            cause = f"The resource redirects to the login page at {host}."
            return of_error(LoginNeeded(cause, "Log in again."), self.credential.url)
        cause = f"The resource redirects to {host}, where authlens does not send the credential."
        return ProxyRefusal(
            502, "redirect_refused", cause, "Start a proxy for that address if you trust it.", 5
        )

    async def _refuse(self, refusal: ProxyRefusal, send: Send) -> None:
        if refusal.status >= 500:
            self.counters.failed(refusal.cause)
        await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.fields})
        await send({"type": "http.response.body", "body": refusal.body})


class _Incoming:
    """The body of a request as it arrives, and the moment at which its client goes away."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = asyncio.Event()
        self._held: bytes | None = None

    async def hold(self, fields: list[RawField]) -> bool:
        """Read a small body whole; return whether the request can be sent again."""
        length = _value(fields, b"content-length")
        chunked = bool(_value(fields, b"transfer-encoding"))
        if chunked or (length and int(length) > _HELD_BODY):
            return False
        self._held = b"".join([chunk async for chunk in self._chunks()])
        return True

    def body(self) -> AsyncIterable[bytes] | None:
        if self._held is None:
            return self._chunks()
        return in_one_chunk(self._held) if self._held else None

    async def gone(self) -> None:
        """Return when the client has closed the connection after its body was complete."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise _ClientGone
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                self._complete.set()
                return


def _value(fields: list[RawField], wanted: bytes) -> bytes:
    return next((value for name, value in fields if name.lower() == wanted), b"")
