"""What the client and the server have agreed on, and a new agreement when the server has ended it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, Final

from authlens_core.gateway.mcp_failure import McpFailure, failure_of_answer, failure_of_error
from authlens_core.gateway.mcp_http import McpHttp, messages_of, named_version, parameter_fields
from authlens_core.grammars.json_rpc import INVALID_REQUEST, JsonRpcMessage, MessageKind, message_of
from authlens_core.wire.streaming import StreamedResponse

# Seconds in which a session has begun again.
_RENEWAL: Final = 60.0


class McpSession:
    """The first message of the client, and what the server's answers taught.

    Args:
        note: shows the user something.
    """

    def __init__(self, http: McpHttp, note: Callable[[str], None]) -> None:
        self._http = http
        self._note = note
        self._first: JsonRpcMessage | None = None
        self._schemas: dict[str, dict[str, Any]] = {}
        self._renewing = asyncio.Lock()

    async def before(self, message: JsonRpcMessage) -> None:
        """Prepare for a request: `initialize` begins a session, others wait for one that begins again."""
        if message.method == "initialize":
            self._first = message
            self._http.forget_session()
        else:
            async with self._renewing:
                pass

    def learn(self, request: JsonRpcMessage, response: JsonRpcMessage) -> None:
        """Note the agreed version, and which parameters of a tool are repeated in header fields.

        Raises:
            ServerMisconfigured: no header field can carry the version.
        """
        if request.method == "initialize" and "protocolVersion" in response.result:
            self._http.agree_on(response.result["protocolVersion"])
        tools = response.result.get("tools")
        if request.method == "tools/list" and isinstance(tools, list):
            # Added to what is known: a long list comes in pages.
            for tool in tools:
                if isinstance(tool, dict) and isinstance(tool.get("inputSchema"), dict):
                    self._schemas[str(tool.get("name"))] = tool["inputSchema"]

    def parameters(self, message: JsonRpcMessage) -> tuple[tuple[str, str], ...]:
        """Return the header fields that repeat the arguments of a tool call."""
        arguments = message.params.get("arguments")
        schema: Mapping[str, Any] | None = self._schemas.get(str(message.params.get("name")))
        if message.method != "tools/call" or schema is None or not isinstance(arguments, dict):
            return ()
        return tuple(parameter_fields(schema, arguments)) if named_version(message) is not None else ()

    async def begin_again(self, ended: str) -> McpFailure | None:
        """Begin a session after the one called `ended`, once for all requests that found it ended.

        Raises:
            TimeoutError: the server did not begin one in time.
            AuthlensError, StreamFailed: as `McpHttp.post`.
        """
        async with self._renewing:
            # Another request found it ended, too, and a new one has begun while this one waited.
            if self._http.session != ended:
                return None
            async with asyncio.timeout(_RENEWAL):
                return await self._begun()

    async def _begun(self) -> McpFailure | None:
        if self._first is None:
            return McpFailure(INVALID_REQUEST, "The server has ended the session.")
        self._http.forget_session()
        self._note("The server has ended the session; a new one begins.")
        async with self._http.post(self._first) as answer:
            failure = await failure_of_answer(answer, self._http.url, self._first)
            if failure is not None:
                return failure
            self._http.begin_session(answer)
            failure = await self._agreed(answer, self._first)
        if failure is None:
            # The client sent its own one long ago; each session needs it (MCP, Lifecycle).
            own = message_of({"jsonrpc": "2.0", "method": "notifications/initialized"})
            if isinstance(own, JsonRpcMessage):
                async with self._http.post(own):
                    pass
        return failure

    async def _agreed(self, answer: StreamedResponse, first: JsonRpcMessage) -> McpFailure | None:
        """Learn from the response to `initialize`; a stream may go on after it."""
        async with aclosing(messages_of(answer)) as events:
            async for _, messages in events:
                for message in messages:
                    if not (isinstance(message, JsonRpcMessage) and message.answers(first.request_id)):
                        continue
                    if message.kind is MessageKind.ERROR:
                        return failure_of_error(message)
                    self.learn(first, message)
                    return None
        return McpFailure(INVALID_REQUEST, "The server has ended the session and does not begin a new one.")
