"""A resource on loopback that wants a bearer token, to be reached through a proxy."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authlens_core.gateway.server import GatewayServer, loopback_socket

__all__ = ["Upstream", "upstream"]

CHALLENGE = 'Bearer error="invalid_token", resource_metadata="https://as.example/meta"'
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


@dataclass
class Upstream:
    """What the resource lets in, and what it saw."""

    valid: Callable[[], set[str]]
    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    largest_chunk: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request with a valid token in."""
        request = Request(scope, receive)
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid():
            refusal = JSONResponse({"error": "invalid_token"}, 401, {"www-authenticate": CHALLENGE})
            return await refusal(scope, receive, send)
        self.seen.append({"method": request.method, "target": scope["raw_path"], "headers": request.headers})
        routes = [
            Route("/echo", self._echo, methods=METHODS),
            Route("/upload", self._upload, methods=METHODS),
            Route("/big", self._big),
            Route("/events", self._events),
            Route("/cut", self._cut),
            Route("/redirect", self._redirect),
            Route("/cookies", self._cookies),
            Route("/basic", self._basic),
            Route("/{rest:path}", self._echo, methods=METHODS),
        ]
        return await Starlette(routes=routes)(scope, receive, send)

    async def _echo(self, request: Request) -> Response:
        body = await request.body()
        facts = {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "headers": request.headers.items(),
            "body": body.decode("latin-1"),
        }
        return JSONResponse(facts)

    async def _upload(self, request: Request) -> Response:
        digest, size = hashlib.sha256(), 0
        async for chunk in request.stream():
            digest.update(chunk)
            size += len(chunk)
        return JSONResponse({"size": size, "sha256": digest.hexdigest()})

    async def _big(self, request: Request) -> Response:
        size = int(request.query_params["size"])

        async def body() -> AsyncIterator[bytes]:
            block, left = b"\xa5" * 65_536, size
            while left:
                yield block[:left]
                left -= min(left, len(block))

        return StreamingResponse(body(), headers={"content-length": str(size)})

    async def _events(self, request: Request) -> Response:
        async def body() -> AsyncIterator[bytes]:
            try:
                yield b"data: first\n\n"
                await self.more.wait()
                yield b"data: second\n\n"
                await asyncio.Event().wait()
            finally:
                self.left.set()

        return StreamingResponse(body(), media_type="text/event-stream")

    async def _cut(self, _: Request) -> Response:
        """Break off after a part of what was announced."""

        async def body() -> AsyncIterator[bytes]:
            yield b"begun"

        return StreamingResponse(body(), headers={"content-length": "100"})

    async def _redirect(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["to"], 302)

    async def _cookies(self, request: Request) -> Response:
        answer = JSONResponse({})
        answer.raw_headers += [
            (b"set-cookie", b"CF_Authorization=jwt; Path=/; Secure"),
            (b"set-cookie", b"theme=dark; Domain=upstream.example; Path=/a; Secure; HttpOnly"),
            (b"strict-transport-security", b"max-age=1"),
        ]
        return answer

    async def _basic(self, request: Request) -> Response:
        return Response("for the application itself", 401, {"www-authenticate": 'Basic realm="app"'})

    def upgrade(self, **_: object) -> asyncio.Protocol:
        """Switch protocols and send every byte back."""
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._switch)

    async def _switch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        token = head.partition("uthorization: Bearer ")[2].partition("\r\n")[0]
        if token not in self.valid():
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        elif head.startswith("GET /cut"):
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nbegun")
        else:
            writer.write(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Accept: as-asked\r\n\r\nearly"
            )
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        self.left.set()
        writer.close()


@asynccontextmanager
async def upstream(valid: Callable[[], set[str]]) -> AsyncIterator[Upstream]:
    """Serve a resource that lets the tokens of `valid()` in."""
    resource = Upstream(valid)
    with loopback_socket(0) as listener:
        resource.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = GatewayServer(resource.app)
        server.config.http = "h11"
        server.config.ws = cast("type[asyncio.Protocol]", resource.upgrade)
        serving = asyncio.create_task(server.serve_until_cancelled(listener))
        try:
            yield resource
        finally:
            serving.cancel()
            with suppress(asyncio.CancelledError, ClientDisconnect):
                await serving
