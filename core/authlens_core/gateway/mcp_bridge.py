"""An MCP server on standard input and output that is a remote one behind a login.

Each request of the client is one POST (streamable HTTP). Its answer is JSON, or a stream of messages that
ends with the response; a stream that breaks off is resumed after its last event. A 401 is one refresh and one
more try: the server has not acted on what it refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, Final

from authlens_core.errors import AuthlensError, NetworkFailure, ServerMisconfigured
from authlens_core.gateway.mcp_failure import (
    INVALID_REQUEST,
    PARSE_ERROR,
    McpFailure,
    failure_of,
    failure_of_answer,
)
from authlens_core.gateway.mcp_http import McpHttp, messages_of
from authlens_core.gateway.mcp_message import (
    McpMessage,
    MessageInvalid,
    error_line,
    line_of,
    parameter_fields,
    parse_message,
)
from authlens_core.quick_dataclass import dataclass
from authlens_core.wire.streaming import StreamedResponse, StreamFailed

# Reconnections in a row that bring no event.
_RESUMES: Final = 5
# Seconds before a stream is resumed, where the server names no time.
_PAUSE: Final = 1.0
# Seconds; a server may ask for any pause (HTML Standard, server-sent events, `retry`).
_LONGEST_PAUSE: Final = 60.0
# Seconds that requests may take after the client has closed standard input.
_AT_THE_END: Final = 30.0


@dataclass(slots=True)
class _Stream:
    """Where a stream of events is, so that it can be resumed."""

    last_id: str | None = None
    pause: float = _PAUSE
    idle: int = 0
    done: bool = False


@dataclass(slots=True)
class _Pending:
    """A request on its way."""

    task: asyncio.Task[None]
    message: McpMessage
    cancelled: bool = False


class McpBridge:
    """Passes messages between a client and the remote server.

    Args:
        note: tells the user something, on stderr.
    """

    def __init__(
        self, http: McpHttp, write: Callable[[bytes], Awaitable[None]], note: Callable[[str], None]
    ) -> None:
        self._http = http
        self._write = write
        self._note = note
        self._pending: dict[tuple[type, str | int], _Pending] = {}
        self._listening: asyncio.Task[None] | None = None
        self._schemas: dict[str, dict[str, Any]] = {}
        self._first: McpMessage | None = None
        self._renewing = asyncio.Lock()

    async def run(self, lines: AsyncIterator[bytes]) -> None:
        """Pass messages on until the client closes its side; then end the session."""
        try:
            async for line in lines:
                await self._line(line)
            tasks = [pending.task for pending in self._pending.values()]
            if tasks:
                await asyncio.wait(tasks, timeout=_AT_THE_END)
        finally:
            await self._close()

    async def _close(self) -> None:
        tasks = [pending.task for pending in self._pending.values()]
        if self._listening is not None:
            tasks.append(self._listening)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(AuthlensError, StreamFailed, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._http.end_session()

    async def _line(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            messages = parse_message(line)
        except MessageInvalid:
            await self._write(error_line(None, PARSE_ERROR, "This line is not a JSON-RPC message.", {}))
            return
        for message in messages:
            if message.is_request:
                self._start(message)
            elif not self._swallowed(message):
                await self._post(message)

    def _start(self, message: McpMessage) -> None:
        key = _key(message.request_id)
        task = asyncio.create_task(self._request(message))
        self._pending[key] = _Pending(task, message)
        task.add_done_callback(lambda _: self._forget(key, task))

    def _forget(self, key: tuple[type, str | int], task: asyncio.Task[None]) -> None:
        pending = self._pending.get(key)
        if pending is not None and pending.task is task:
            del self._pending[key]

    def _swallowed(self, message: McpMessage) -> bool:
        """Cancel a request of 2026-07-28 by closing its stream, which is the signal there; say whether so."""
        if message.method != "notifications/cancelled" or message.cancelled_id is None:
            return False
        pending = self._pending.get(_key(message.cancelled_id))
        if pending is None:
            return self._http.version is None and self._http.modern
        pending.cancelled = True
        if pending.message.named_version is None:
            return False
        pending.task.cancel()
        return True

    async def _post(self, message: McpMessage) -> None:
        """Send a notification, or the client's response to a request of the server."""
        try:
            async with asyncio.timeout(_AT_THE_END), self._http.post(message.body) as answer:
                failure = await self._wrong_with(answer)
        except (AuthlensError, StreamFailed) as error:
            failure = failure_of(error, self._http.url)
        except TimeoutError:
            failure = McpFailure(INVALID_REQUEST, "the server did not answer a notification")
        if failure is not None:
            self._note(f"{message.method or 'A response'} was not accepted: {failure.message}")
        elif message.method == "notifications/initialized" and self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    async def _request(self, message: McpMessage) -> None:
        """Send a request and pass its answer on; an error of ours is an answer, too."""
        try:
            failure = await self._asked(message)
        except (AuthlensError, StreamFailed) as error:
            failure = failure_of(error, self._http.url)
        if failure is not None and not self._is_cancelled(message):
            await self._write(error_line(message.request_id, failure.code, failure.message, failure.data))

    async def _wrong_with(
        self, answer: StreamedResponse, request: McpMessage | None = None
    ) -> McpFailure | None:
        return await failure_of_answer(answer, self._http.url, request, self._http.granted_scope)

    async def _asked(self, message: McpMessage, *, again: bool = True) -> McpFailure | None:
        """Send a request and pass its answer on; `again`, once, if the server has ended the session."""
        if message.method == "initialize":
            self._first = message
            self._http.forget_session()
        else:
            async with self._renewing:  # a session that another request begins again
                pass
        stream, session = _Stream(), self._http.session
        try:
            async with self._http.post(message.body, self._parameters(message)) as answer:
                # MCP, Transports, Session Management: 404 to a session id means that the session is over.
                if answer.status == 404 and session and again and message.method != "initialize":
                    async with self._renewing:
                        failure = await self._begin_again() if self._http.session == session else None
                    return failure or await self._asked(message, again=False)
                if message.method == "initialize" and answer.status == 200:
                    self._http.session = answer.get("mcp-session-id")
                failure = await self._wrong_with(answer, message)
                if failure is not None:
                    return failure
                await self._pass_on(answer, stream, message)
        except StreamFailed:
            if stream.last_id is None:
                raise
        return await self._resumed(stream, message)

    async def _resumed(self, stream: _Stream, message: McpMessage) -> McpFailure | None:
        """Resume a stream until it has brought the response; return what is wrong with the server's answer.

        Raises:
            AuthlensError: it cannot be resumed.
        """
        while not stream.done and not self._is_cancelled(message):
            if stream.last_id is None:
                raise ServerMisconfigured("The server ended its stream without an answer.")
            if stream.idle >= _RESUMES:
                raise NetworkFailure(f"The stream was interrupted and could not be resumed {_RESUMES} times.")
            stream.idle += 1
            await asyncio.sleep(stream.pause)
            with suppress(StreamFailed):
                async with self._http.get(stream.last_id) as answer:
                    failure = await self._wrong_with(answer)
                    if failure is not None:
                        return failure
                    await self._pass_on(answer, stream, message)
        return None

    async def _pass_on(self, answer: StreamedResponse, stream: _Stream, request: McpMessage | None) -> None:
        """Pass the messages of an answer on, as they arrive, until the response to `request`."""
        async with aclosing(messages_of(answer)) as events:
            async for event, messages in events:
                stream.idle = 0
                stream.last_id = event.event_id or stream.last_id
                if event.retry is not None:
                    stream.pause = min(event.retry / 1000, _LONGEST_PAUSE)
                for message in messages:
                    if request is not None and message.answers(request):
                        stream.done = True
                        self._learn(request, message)
                    await self._write(line_of(message.body))
                if stream.done:
                    return

    def _learn(self, request: McpMessage, response: McpMessage) -> None:
        """Note the agreed version, and which parameters of a tool are repeated in header fields."""
        result = response.body.get("result")
        if not isinstance(result, dict):
            return
        if request.method == "initialize" and isinstance(result.get("protocolVersion"), str):
            self._http.version = result["protocolVersion"]
        if request.method == "tools/list" and isinstance(result.get("tools"), list):
            for tool in result["tools"]:
                if isinstance(tool, dict) and isinstance(tool.get("inputSchema"), dict):
                    self._schemas[str(tool.get("name"))] = tool["inputSchema"]

    def _parameters(self, message: McpMessage) -> tuple[tuple[str, str], ...]:
        arguments = message.params.get("arguments")
        schema = self._schemas.get(str(message.params.get("name")))
        if message.method != "tools/call" or schema is None or not isinstance(arguments, dict):
            return ()
        return tuple(parameter_fields(schema, arguments)) if message.named_version is not None else ()

    async def _begin_again(self) -> McpFailure | None:
        """Begin a session with the client's own first message."""
        if self._first is None:
            return McpFailure(INVALID_REQUEST, "The server has ended the session.")
        self._http.forget_session()
        self._note("The server has ended the session; a new one begins.")
        async with self._http.post(self._first.body) as answer:
            failure = await self._wrong_with(answer, self._first)
            if failure is not None:
                return failure
            self._http.session = answer.get("mcp-session-id")
            async for _, messages in messages_of(answer):
                for one in messages:
                    if one.answers(self._first):
                        self._learn(self._first, one)
        # The client sent its own one long ago; each session needs it (MCP, Lifecycle).
        async with self._http.post({"jsonrpc": "2.0", "method": "notifications/initialized"}):
            pass
        return None

    async def _listen(self) -> None:
        """Pass on what the server says unasked, where it offers a stream for that (until 2025-11-25)."""
        stream = _Stream()
        while stream.idle < _RESUMES:
            stream.idle += 1
            try:
                async with self._http.get(stream.last_id) as answer:
                    if answer.status != 200:  # 405: the server offers none
                        return
                    await self._pass_on(answer, stream, None)
            except StreamFailed:
                pass
            except AuthlensError as error:
                self._note(str(error))
                return
            await asyncio.sleep(stream.pause)

    def _is_cancelled(self, message: McpMessage) -> bool:
        pending = self._pending.get(_key(message.request_id))
        # An id may be used again: only the request that was cancelled counts, not a later one of the same id.
        return pending is not None and pending.message is message and pending.cancelled


def _key(request_id: str | int | None) -> tuple[type, str | int]:
    """Return what tells ids apart: `1` and `"1"` are two."""
    return type(request_id), request_id if request_id is not None else ""
