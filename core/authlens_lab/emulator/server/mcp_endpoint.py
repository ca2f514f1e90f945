"""The MCP endpoint, in 2025-11-25 and 2026-07-28."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from authlens_lab.emulator import randomness
from authlens_lab.emulator.answers import bite, json_answer, read_json
from authlens_lab.emulator.profile import Fault
from authlens_lab.emulator.server.resource import Resource

if TYPE_CHECKING:
    from authlens_lab.emulator.emulator import Emulator

OLD: Final = "2025-11-25"
OLDER: Final = frozenset({OLD, "2025-06-18", "2025-03-26"})
NEW: Final = "2026-07-28"
# Error codes that MCP 2026-07-28 adds to those of JSON-RPC.
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
SERVER: Final = {"name": "authlens emulator", "version": "1"}
TOOL: Final = {"name": "whoami", "description": "Say who is logged in.", "inputSchema": {"type": "object"}}
_COMPLETE: Final = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
_OPEN: Final = ("initialize", "notifications/initialized", "server/discover", "ping")


class McpCall(Struct, frozen=True):
    """A JSON-RPC request.

    Attributes:
        number: its id; a notification has none, and gets no message in return (JSON-RPC 2.0 §4.1).
        version: what it names in its parameters since 2026-07-28.
    """

    number: object
    method: str
    params: dict[str, Any]
    version: str | None

    @classmethod
    def of(cls, body: Any) -> McpCall | None:
        """Return the request in a body, or None for anything else."""
        method = body.get("method") if isinstance(body, dict) else None
        if not isinstance(method, str):
            return None
        params = body.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        return cls(body.get("id"), method, params, None if version is None else str(version))

    def result(self, result: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
        return json_answer({"jsonrpc": "2.0", "id": self.number, "result": result}, headers=headers)

    def error(self, code: int, message: str, status: int = 400, **data: object) -> Response:
        error: dict[str, Any] = {"code": code, "message": message}
        if data:
            error["data"] = data
        return json_answer({"jsonrpc": "2.0", "id": self.number, "error": error}, status)


class McpEndpoint:
    """Answers JSON-RPC at `/mcp`; in 2026-07-28 there is no session and no GET."""

    def __init__(self, emulator: Emulator, resource: Resource) -> None:
        self._emulator = emulator
        self._resource = resource

    async def answer(self, request: Request) -> Response:
        if self._emulator.origin is not None:
            return self._emulator.origin.answer(self._resource.allowed(request).grant.user)
        if request.method != "POST":
            return self._not_posted(request)
        call = McpCall.of(await read_json(request))
        is_open = call is not None and call.method in _OPEN and self._emulator.has(Fault.OPEN_INITIALIZE)
        # Before the body is judged: what a stranger sent has no effect and no error of its own.
        user = "" if is_open else self._resource.allowed(request).grant.user
        if call is None:
            return McpCall(None, "", {}, None).error(-32700, "Parse error")
        return self._called(request, call, user)

    def _not_posted(self, request: Request) -> Response:
        """Answer a GET, which opens the event stream of 2025-11-25; other methods end a session."""
        bite(self._emulator, "stream")
        self._resource.allowed(request)
        if request.method == "GET" and self._emulator.has(Fault.ENDLESS_STREAM):
            return StreamingResponse(self._events(), media_type="text/event-stream")
        return Response(b"", 405, {"allow": "POST"})

    async def _events(self) -> AsyncIterator[bytes]:
        """Send a comment now and then until the emulator stops."""
        stopping = self._emulator.stopping
        while not stopping.is_set():
            yield b": still here\n\n"
            try:
                # Not a sleep: an open stream would hold up the end of the emulator.
                await asyncio.wait_for(stopping.wait(), 1)
            except TimeoutError:
                continue

    def _called(self, request: Request, call: McpCall, user: str) -> Response:
        if call.version is not None:
            return self._stateless(request, call, user)
        if self._emulator.has(Fault.DISCOVER_ONLY) or call.method == "server/discover":
            return call.error(-32602, "params._meta is missing the protocol version")
        if call.number is None:
            return Response(b"", 202)
        if call.method == "initialize":
            version = call.params.get("protocolVersion")
            result: dict[str, Any] = {
                "protocolVersion": version if version in OLDER else OLD,
                "capabilities": {"tools": {}},
                "serverInfo": SERVER,
            }
            return call.result(result, {"mcp-session-id": randomness.token_hex(16)})
        return self._tools(call, user, {})

    def _stateless(self, request: Request, call: McpCall, user: str) -> Response:
        """Answer a request of 2026-07-28, whose headers repeat its version and method."""
        if call.version != NEW:
            return call.error(
                UNSUPPORTED_VERSION, "Unsupported protocol version", supported=[NEW], requested=call.version
            )
        repeated = {"mcp-protocol-version": call.version, "mcp-method": call.method}
        for name, value in repeated.items():
            # So that a proxy that routes by the header and a server that reads the body never disagree.
            if request.headers.get(name) != value:
                return call.error(HEADER_MISMATCH, f"{name} does not match the body")
        if call.method == "server/discover":
            versions = [NEW] if self._emulator.has(Fault.DISCOVER_ONLY) else [NEW, OLD]
            return call.result(
                {
                    **_COMPLETE,
                    "supportedVersions": versions,
                    "capabilities": {"tools": {}},
                    "_meta": {"io.modelcontextprotocol/serverInfo": SERVER},
                }
            )
        return self._tools(call, user, _COMPLETE)

    def _tools(self, call: McpCall, user: str, extra: dict[str, Any]) -> Response:
        if call.method == "tools/list":
            return call.result({**extra, "tools": [TOOL]})
        if call.method == "tools/call":
            kind = {"resultType": extra["resultType"]} if extra else {}
            return call.result({**kind, "content": [{"type": "text", "text": user}], "isError": False})
        if call.method == "ping" and not extra:
            return call.result({})
        # Since 2026-07-28 the status says what the error says.
        return call.error(-32601, "Method not found", 404 if extra else 200)
