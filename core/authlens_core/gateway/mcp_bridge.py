"""An MCP server on standard input and output that is a remote one behind a login.

Each request of the client is one POST (streamable HTTP). Its answer is JSON, or a stream of messages that
ends with the response; a stream that breaks off is resumed after its last event. A 401 is one refresh and one
more try: the server has not acted on what it refused. A 404 to a session is a new session and one more try.

Whatever a server or a client sends, each request gets one answer in bounded time, each line that the client
reads is one JSON-RPC message, and the bridge ends when its input does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from typing import Any, Final

from msgspec import Struct

from authlens_core.gateway.mcp_failure import McpFailure, failure_of, failure_of_error, require_success
from authlens_core.gateway.mcp_http import McpHttp, Reconnection, events_of
from authlens_core.grammars.json_rpc import (
    JsonRpcMessage,
    NotJsonRpc,
    RequestId,
    error_line,
    read_message,
)
from authlens_core.values.errors import AuthlensError, ServerMisconfigured, TimedOut
from authlens_core.values.exchange import EVENT_STREAM
from authlens_core.values.safe_text import safe_line
from authlens_core.wire.streaming import StreamedResponse, StreamFailed

# Messages on their way at once; each has a connection, and a process has few of them.
_MOST_AT_ONCE: Final = 200
MOST_NOTES: Final = 20
LONGEST_NOTE: Final = 300  # characters


class BridgeLimits(Struct, frozen=True):
    """How long a server may take, in seconds.

    Attributes:
        request: from a request to its answer. A tool may run for hours, and the client has a limit of its
            own: this one ends what no client waits for any more.
        prompt: to answer `initialize`, to accept what needs no answer, and for everything on its way when
            the client has closed standard input.
    """

    request: float = 24 * 3600.0
    prompt: float = 60.0


class McpBridge:
    """Passes messages between a client and the remote server.

    Args:
        write: writes one line to the client; raises OSError when it is gone.
        note: shows the user something, on stderr; how much a server can make of it is bounded here.
        sleep: waits for so many seconds before a stream is resumed.
    """

    def __init__(
        self,
        http: McpHttp,
        write: Callable[[bytes], Awaitable[None]],
        note: Callable[[str], None],
        *,
        limits: BridgeLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._write = write
        self._show = note
        self._sleep = sleep
        self._limits = limits or BridgeLimits()
        self._notes: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._owed: dict[RequestId | None, asyncio.Task[None]] = {}
        self._handshake: dict[str, JsonRpcMessage] = {}
        self._beginning: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None

    async def run(self, lines: AsyncIterator[bytearray]) -> None:
        """Pass messages on until the client closes its side; then end the session."""
        try:
            async for line in lines:
                await self._line(line)
            # Standard input is closed, and answers still have readers.
            if waiting := self._tasks - {self._listening}:
                await asyncio.wait(waiting, timeout=self._limits.prompt)
            # A client that waits for a request would hang for ever if the bridge left without a word.
            late = self._failure_of(TimedOut("Standard input was closed before the server answered."))
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(1.0):
                    while self._owed:
                        await self._write(late.line(self._owed.popitem()[0]))
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(AuthlensError, StreamFailed, TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._http.end_session()

    def _note(self, sentence: str) -> None:
        """Show the user a sentence once; a server causes few, and short ones."""
        line = safe_line(sentence, LONGEST_NOTE)
        if line not in self._notes and len(self._notes) < MOST_NOTES:
            self._notes.add(line)
            self._show(line)

    async def _line(self, line: bytearray) -> None:
        if not line.strip():
            return
        try:
            await self._take(read_message(line))
        except NotJsonRpc as refused:
            # The id of a request that is on its way would answer that one.
            is_free = refused.is_call and refused.request_id not in self._owed
            cause = f"This message was not sent to the server: {refused}."
            await self._write(error_line(refused.request_id if is_free else None, refused.code, cause))

    async def _take(self, message: JsonRpcMessage) -> None:
        """Start to serve a message of the client.

        Raises:
            NotJsonRpc: it is not served.
        """
        # The server has no session for what a client sends before `initialize` was answered, and expects
        # nothing before `notifications/initialized`.
        if self._beginning and message.method is not None:
            await asyncio.wait(self._beginning)
        if message.method == "notifications/cancelled" and self._cancelled(message.params.get("requestId")):
            return
        if message.is_request and message.request_id in self._owed:
            raise NotJsonRpc("a request with the same id is in progress")
        if len(self._tasks) >= _MOST_AT_ONCE:
            raise NotJsonRpc(f"{_MOST_AT_ONCE} others are in progress", message.body)
        task = self._started(self._serve(message))
        if message.is_request:
            self._owed[message.request_id] = task
        if message.method in ("initialize", "notifications/initialized"):
            self._handshake[message.method] = message
            self._beginning = {task}

    def _started(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _cancelled(self, request_id: object) -> bool:
        """Cancel a request for the client; return whether the server needs no notification of it."""
        task = self._owed.pop(request_id, None) if isinstance(request_id, str | int) else None
        if task is None:
            return True
        # Until 2025-11-25 the notification itself is what the server needs.
        if self._beginning:
            return False
        task.cancel()  # since then the end of its stream is the signal
        return True

    async def _serve(self, message: JsonRpcMessage) -> None:
        """Send a message and pass on what comes back; a failure becomes a response, or a note."""
        is_prompt = not message.is_request or message.method == "initialize"
        try:
            async with asyncio.timeout(self._limits.prompt if is_prompt else self._limits.request):
                await self._exchange(message, is_prompt=is_prompt)
            # Only now may a server send requests of its own (MCP lifecycle), so only now is it listened to.
            if message.method == "notifications/initialized" and self._listening not in self._tasks:
                self._listening = self._started(self._listen())
        # Whatever it is: a request without an answer would keep its client waiting for ever.
        except Exception as error:
            failure = self._failure_of(error)
            if not message.is_request:
                self._note(f"{message.method or 'A response of the client'} was not accepted: {failure.note}")
                return
            with suppress(OSError):  # the client is gone
                await self._answer(message, failure.line(message.request_id))

    def _failure_of(self, problem: Exception) -> McpFailure:
        return failure_of(problem, self._http.credential.url)

    async def _answer(self, request: JsonRpcMessage, line: bytes) -> None:
        if self._is_owed():
            del self._owed[request.request_id]
            await self._write(line)

    def _is_owed(self) -> bool:
        """Return whether the request of this task still needs its response, or was cancelled."""
        return asyncio.current_task() in self._owed.values()

    async def _exchange(self, message: JsonRpcMessage, *, is_prompt: bool) -> None:
        """Send a message and pass its answer on; resume the stream until the response has come.

        A server has not acted on a request to a session that it has ended: that one is sent again, once.

        Raises:
            AuthlensError, McpFailure, StreamFailed: there is no response.
        """
        stream, beginning = Reconnection(), self._beginning
        first = answering = self._http.post(message)
        while True:
            try:
                async with answering as answer:
                    if answer.status == 404 and answering is first and self._http.session and not is_prompt:
                        # Another request may have found the session ended, too.
                        if self._beginning is beginning:
                            self._beginning = {self._started(self._begin_again())}
                        await asyncio.wait(self._beginning)
                        answering = self._http.post(message)
                        continue
                    await require_success(answer, self._http.credential)
                    if message.method == "initialize":
                        self._http.begin_session(answer)
                    if message.is_request:
                        await self._pass_on(answer, stream, message)
            except StreamFailed:
                # Without an id there is nothing to resume, and a request sent twice might do its work twice.
                if stream.last_id is None:
                    raise
            if not self._is_owed():
                return
            if stream.last_id is None:
                raise ServerMisconfigured("The server ended its stream without an answer.")
            await self._sleep(stream.next_pause())
            answering = self._http.get(stream.last_id)

    async def _begin_again(self) -> None:
        """Begin a session as the client did; it does not hear of the answers."""
        self._note("The server has ended the session, and a new one begins.")
        for message in self._handshake.values():
            await self._serve(message)

    async def _listen(self) -> None:
        """Pass on what the server sends on its own, if it offers a stream for that (until 2025-11-25)."""
        stream = Reconnection()
        try:
            while True:
                with suppress(StreamFailed):
                    async with self._http.get(stream.last_id) as answer:
                        # 405: the server offers none.
                        if answer.status != 200 or answer.media_type != EVENT_STREAM:
                            return
                        await self._pass_on(answer, stream, None)
                await self._sleep(stream.next_pause())
        except Exception as error:
            self._note(self._failure_of(error).note)

    async def _pass_on(
        self, answer: StreamedResponse, stream: Reconnection, request: JsonRpcMessage | None
    ) -> None:
        """Pass the messages of an answer on, as they arrive, until the response to the request."""
        async with aclosing(events_of(answer)) as events:
            async for event, text in events:
                stream.note(event)
                if text:
                    await self._message(text, request)
                    if request is not None and not self._is_owed():
                        return

    async def _message(self, text: str | bytearray, request: JsonRpcMessage | None) -> None:
        """Pass one message of the server on; a response to anything but `request` is not passed on."""
        try:
            message = read_message(text)
        except NotJsonRpc as broken:
            if request is not None and not broken.is_call:
                cause = "The server's answer cannot be passed on, because it is not a JSON-RPC message"
                raise ServerMisconfigured(f"{cause}: {broken}.") from None
            self._note(f"A message from the server was not passed on: {broken}.")
            return
        if message.method is not None:
            await self._write(message.line)
        # A server may use the same id in another stream: an answer counts in the stream of its request alone.
        # An error without an id is one to a request that the server could not read (JSON-RPC 2.0 §5).
        elif request is None or message.request_id not in (None, request.request_id):
            self._note("A response from the server was not passed on: its stream belongs to another request.")
        elif "error" in message.body:
            raise failure_of_error(message.body["error"])
        else:
            self._http.learn(request, message.body["result"])
            await self._answer(request, message.line)
