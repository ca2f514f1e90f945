"""A session with the server: what was agreed on, and each request with the stream that brings its answer.

A new agreement is made when the server has ended the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

from msgspec import Struct

from authlens_core.gateway.mcp_failure import (
    McpFailure,
    failure_of_answer,
    failure_of_error,
    not_an_endpoint,
)
from authlens_core.gateway.mcp_http import (
    McpHttp,
    media_type_of,
    messages_of,
    named_version,
    parameter_fields,
)
from authlens_core.grammars.json_rpc import (
    INVALID_REQUEST,
    BrokenMessage,
    JsonRpcMessage,
    MessageKind,
    error_line,
    message_of,
)
from authlens_core.oauth.mcp import EVENT_STREAM
from authlens_core.values.errors import NetworkFailure, ServerMisconfigured
from authlens_core.values.formats.server_sent_events import ServerEvent
from authlens_core.wire.streaming import StreamedResponse, StreamFailed

# Seconds in which a session has begun again.
_RENEWAL: Final = 60.0
_NOT_FOUND: Final = 404
# Seconds. A server may ask for any time with `retry`: shorter ones would keep both machines busy, longer ones
# would keep the client from its answer.
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
# Reconnections in a row that bring no event.
MOST_IN_VAIN: Final = 5
_LONGEST_ID: Final = 1_000  # characters


class Reconnection(Struct):
    """Where a stream is.

    Attributes:
        last_id: the event to resume after; None where it cannot be resumed.
        in_vain: how many reconnections in a row brought no event.
    """

    last_id: str | None = None
    in_vain: int = 0
    _asked_for: float = SHORTEST_PAUSE

    def seen(self, event: ServerEvent) -> None:
        """Note an event."""
        self.in_vain = 0
        if event.event_id is not None:
            self.last_id = event.event_id if _is_sendable(event.event_id) else None
        if event.retry is not None:
            self._asked_for = min(max(event.retry / 1000, SHORTEST_PAUSE), LONGEST_PAUSE)

    @property
    def is_given_up(self) -> bool:
        return self.in_vain >= MOST_IN_VAIN

    def next_pause(self) -> float:
        """Return the seconds to wait now: what the server asks for, and twice as many after each failure."""
        pause = min(self._asked_for * 2.0**self.in_vain, LONGEST_PAUSE)
        self.in_vain += 1
        return pause


def _is_sendable(event_id: str) -> bool:
    """Return whether `Last-Event-ID` can carry an id as it is (RFC 9110 §5.5)."""
    fits = 0 < len(event_id) <= _LONGEST_ID and event_id == event_id.strip()
    return fits and event_id.isprintable()


class PendingRequest(Struct):
    """A request of the client that is owed one answer.

    Attributes:
        task: what answers it, once that has begun.
        cancelled: the client takes no answer any more.
        answered: it has one, or one is being written.
    """

    message: JsonRpcMessage
    task: asyncio.Task[None] | None = None
    cancelled: bool = False
    answered: bool = False

    @property
    def is_over(self) -> bool:
        return self.answered or self.cancelled

    def claim(self) -> bool:
        """Return whether an answer is owed, and note that it is given now."""
        owed = not self.is_over
        self.answered = True
        return owed


class _Agreement:
    """What client and server have agreed on: the first message, and what the server's answers taught.

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


class McpSession:
    """Sends requests and passes on what comes back.

    Args:
        write: writes a line to the client.
        note: shows the user something.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        http: McpHttp,
        write: Callable[[bytes], Awaitable[None]],
        note: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._http = http
        self._agreement = _Agreement(http, note)
        self._write = write
        self._note = note
        self._sleep = sleep

    async def ask(self, pending: PendingRequest, *, again: bool = True) -> McpFailure | None:
        """Send a request and pass its answer on; `again`, once, if the server has ended the session.

        Returns:
            why there is no answer to pass on; None where it was written, or is not wanted any more.

        Raises:
            AuthlensError: as `McpHttp.post`, or the stream cannot be resumed.
            StreamFailed: there was no answer.
        """
        message, stream = pending.message, Reconnection()
        await self._agreement.before(message)
        begins, session = message.method == "initialize", self._http.session
        try:
            async with self._http.post(message, self._agreement.parameters(message)) as answer:
                # MCP, Transports, Session Management: 404 to a session id means that the session is over.
                ended = answer.status == _NOT_FOUND and session and again and not begins
                if not ended:
                    failure = await self._answered(answer, stream, pending)
                    if failure is not None:
                        return failure
        except StreamFailed:
            # Without an id there is nothing to resume, and to send the request twice might do its work twice.
            if stream.last_id is None and not pending.is_over:
                raise
            ended = False
        if ended:
            return await self._agreement.begin_again(session) or await self.ask(pending, again=False)
        return await self._resumed(stream, pending)

    async def listen(self) -> None:
        """Pass on what the server says unasked, where it offers a stream for that (until 2025-11-25).

        Raises:
            AuthlensError: as `McpHttp.get`.
        """
        stream = Reconnection()
        while True:
            with suppress(StreamFailed):
                async with self._http.get(stream.last_id) as answer:
                    # 405: the server offers none.
                    if answer.status != 200 or media_type_of(answer) != EVENT_STREAM:
                        return
                    await self._passed_on(answer, stream, None)
            if stream.is_given_up:
                return
            await self._sleep(stream.next_pause())

    async def _answered(
        self, answer: StreamedResponse, stream: Reconnection, pending: PendingRequest
    ) -> McpFailure | None:
        message = pending.message
        if message.method == "initialize" and answer.status == 200:
            self._http.begin_session(answer)
        failure = await failure_of_answer(answer, self._http.url, message, self._http.granted_scope)
        if failure is not None and message.method == "initialize" and answer.status in (404, 405):
            return failure if failure.by_server else not_an_endpoint(self._http.url, answer.status)
        return failure or await self._passed_on(answer, stream, pending)

    async def _resumed(self, stream: Reconnection, pending: PendingRequest) -> McpFailure | None:
        """Resume a stream until it has brought the response; return what is wrong with the server's answer.

        Raises:
            AuthlensError: it cannot be resumed.
        """
        while not pending.is_over:
            if stream.last_id is None:
                raise ServerMisconfigured("The server ended its stream without an answer.")
            if stream.is_given_up:
                raise NetworkFailure(
                    f"The stream was interrupted, and {MOST_IN_VAIN} attempts to resume it failed."
                )
            await self._sleep(stream.next_pause())
            with suppress(StreamFailed):
                async with self._http.get(stream.last_id) as answer:
                    failure = await failure_of_answer(
                        answer, self._http.url, granted=self._http.granted_scope
                    ) or await self._passed_on(answer, stream, pending)
                    if failure is not None:
                        return failure
        return None

    async def _passed_on(
        self, answer: StreamedResponse, stream: Reconnection, pending: PendingRequest | None
    ) -> McpFailure | None:
        """Pass the messages of an answer on, as they arrive, until the response to the request."""
        async with aclosing(messages_of(answer)) as events:
            async for event, messages in events:
                stream.seen(event)
                for message in messages:
                    failure = await self._message(message, pending)
                    if failure is not None or (pending is not None and pending.answered):
                        return failure
        return None

    async def _message(
        self, message: JsonRpcMessage | BrokenMessage, pending: PendingRequest | None
    ) -> McpFailure | None:
        """Pass one message on; a response to anything but `pending` is not passed on."""
        if isinstance(message, BrokenMessage):
            if pending is not None and message.answers(pending.message.request_id):
                raise ServerMisconfigured(f"The server's answer cannot be passed on: {message.reason}.")
            self._note(f"A message from the server was not passed on: {message.reason}.")
        elif not message.is_response:
            await self._write(message.line)
        # A server may use the same id in another stream: an answer counts in the stream of its request alone.
        elif pending is not None and _is_for(message, pending):
            return await self._response(message, pending)
        else:
            self._note("A response from the server was not passed on: its stream belongs to another request.")
        return None

    async def _response(self, message: JsonRpcMessage, pending: PendingRequest) -> McpFailure | None:
        line = message.line
        if message.kind is MessageKind.ERROR:
            failure = failure_of_error(message)
            if not failure.by_server:
                return failure
            # JSON-RPC 2.0 §5 has null where the server could not read the id; the client waits for its own.
            if message.request_id is None:
                line = error_line(pending.message.request_id, failure.code, failure.message, failure.data)
        else:
            self._agreement.learn(pending.message, message)
        if pending.claim():
            await self._write(line)
        return None


def _is_for(message: JsonRpcMessage, pending: PendingRequest) -> bool:
    """Return whether a response is the one to the request of this stream.

    An error without an id is one to a request that the server could not read (JSON-RPC 2.0 §5): no other
    request was sent on this stream.
    """
    return message.answers(pending.message.request_id) or message.request_id is None
