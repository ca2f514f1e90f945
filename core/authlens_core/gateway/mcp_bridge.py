"""An MCP server on standard input and output that is a remote one behind a login.

Each request of the client is one POST (streamable HTTP). Its answer is JSON, or a stream of messages that
ends with the response; a stream that breaks off is resumed after its last event. A 401 is one refresh and one
more try: the server has not acted on what it refused.

Whatever a server or a client sends, each request gets one answer in bounded time, each line that the client
reads is one JSON-RPC message, and the bridge ends when its input does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from msgspec import Struct

from authlens_core.gateway.mcp_failure import TIMED_OUT, McpFailure, failure_of, failure_of_answer
from authlens_core.gateway.mcp_http import FieldUnsendable, McpHttp, cancelled_id, named_version
from authlens_core.gateway.mcp_session import McpSession, PendingRequest
from authlens_core.grammars.json_rpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    LONGEST_LINE,
    PARSE_ERROR,
    BrokenMessage,
    JsonRpcMessage,
    LineTooLong,
    MessageKind,
    NotJsonRpc,
    RequestId,
    error_line,
    read_messages,
)
from authlens_core.values.errors import AuthlensError, TimedOut
from authlens_core.values.safe_text import safe_line
from authlens_core.wire.streaming import StreamFailed

# Requests on their way at once; each has a connection, and a process has few of them.
_MOST_PENDING: Final = 200
# Lines at once, and the seconds after which one more may follow: at most half a megabyte a day.
AT_ONCE: Final = 20
SECONDS_EACH: Final = 60.0
LONGEST: Final = 300  # characters of a line


class BoundedNotes:
    """Passes lines on, and says how many were left out when one may follow again.

    Args:
        note: writes one line; it makes text from outside safe.
        now: the clock, in seconds.
    """

    def __init__(self, note: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._note = note
        self._now = now
        self._left = float(AT_ONCE)
        self._filled_at = now()
        self._left_out = 0

    def __call__(self, words: str) -> None:
        now = self._now()
        self._left = min(float(AT_ONCE), self._left + (now - self._filled_at) / SECONDS_EACH)
        self._filled_at = now
        if self._left < 1:
            self._left_out += 1
            return
        self._left -= 1
        more = f" ({self._left_out} messages before this one were left out.)" if self._left_out else ""
        self._left_out = 0
        self._note(f"{safe_line(words, LONGEST)}{more}")


class BridgeLimits(Struct, frozen=True):
    """How long a server may take, in seconds.

    Attributes:
        request: from a request to its answer. A tool may run for hours, and the client has a limit of its
            own: this one ends what no client waits for any more.
        notification: to accept a notification, or the client's response to a request of the server.
        in_vain: the same after a notification that was not accepted in time, until one is: the client's next
            requests wait behind it.
        at_the_end: for the requests on their way when the client has closed standard input.
    """

    request: float = 24 * 3600.0
    notification: float = 30.0
    in_vain: float = 1.0
    at_the_end: float = 30.0


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
        self._note = BoundedNotes(note)
        self._limits = limits or BridgeLimits()
        self._session = McpSession(http, write, self._note, sleep)
        self._pending: dict[tuple[type, RequestId | None], PendingRequest] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._patience = self._limits.notification
        self._beginning: asyncio.Task[None] | None = None
        self._behind: list[JsonRpcMessage] = []
        self._listening: asyncio.Task[None] | None = None

    async def run(self, lines: AsyncIterator[bytes | LineTooLong]) -> None:
        """Pass messages on until the client closes its side; then end the session."""
        try:
            async for line in lines:
                await self._line(line)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.at_the_end):
                    # Standard input is closed, and answers still have readers.
                    while self._tasks:  # one of them may start others
                        await asyncio.wait(self._tasks)
            # A client that waits for a request would hang for ever if the bridge left without a word.
            await self._answer_the_rest()
        finally:
            await self._close()

    async def _answer_the_rest(self) -> None:
        """Answer what is still on its way, where the client still reads."""
        late = failure_of(TimedOut("Standard input was closed before the server answered."), self._http.url)
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(1.0):
                unsent = [PendingRequest(m) for m in self._behind if m.kind is MessageKind.REQUEST]
                for pending in (*self._pending.values(), *unsent):
                    await self._answer(pending, late)

    async def _close(self) -> None:
        tasks = {*self._tasks, *(() if self._listening is None else (self._listening,))}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(AuthlensError, StreamFailed, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._http.end_session()

    async def _line(self, line: bytes | LineTooLong) -> None:
        if isinstance(line, LineTooLong):
            words = f"This line is longer than {LONGEST_LINE:,} bytes."
            await self._write(error_line(None, INVALID_REQUEST, words))
            return
        if not line.strip():
            return
        try:
            messages = read_messages(line)
        except NotJsonRpc as error:
            await self._write(error_line(None, PARSE_ERROR, f"This line is not a JSON-RPC message: {error}."))
            return
        for message in messages:
            await self._message(message)

    async def _message(self, message: JsonRpcMessage | BrokenMessage) -> None:
        # The lines go to one pipe, so an answer with a wrong id would be believed.
        if isinstance(message, BrokenMessage):
            # The id of a request that is on its way would answer that one.
            known = message.request_id if message.names_a_method else None
            free = None if _key(known) in self._pending else known
            words = f"This message was not sent to the server: {message.reason}."
            await self._write(error_line(free, INVALID_REQUEST, words))
        # The server has no session for what a client sends before `initialize` was answered.
        elif self._beginning is not None and not message.is_response and len(self._behind) < _MOST_PENDING:
            self._behind.append(message)
        else:
            await self._pass_on(message)

    async def _pass_on(self, message: JsonRpcMessage) -> None:
        if message.kind is MessageKind.REQUEST:
            await self._start(message)
        elif not self._swallowed(message):
            await self._post(message)

    async def _begin(self, pending: PendingRequest) -> None:
        """Answer `initialize`, then pass on what came in behind it, in its order."""
        await self._request(pending)
        with suppress(OSError):  # the client is gone
            while self._behind:
                await self._pass_on(self._behind.pop(0))
        # From here on messages go at once. Before, their order was part of the protocol.
        self._beginning = None

    async def _start(self, message: JsonRpcMessage) -> None:
        key = _key(message.request_id)
        if key in self._pending:
            # With its id this would be the answer to the request that has it.
            words = "This request was not sent to the server: a request with the same id is in progress."
            await self._write(error_line(None, INVALID_REQUEST, words))
            return
        pending = PendingRequest(message)
        if len(self._tasks) >= _MOST_PENDING:
            words = f"This request was not sent to the server: {_MOST_PENDING} others are in progress."
            await self._answer(pending, McpFailure(INTERNAL_ERROR, words))
            return
        if message.method == "initialize" and self._beginning is None:
            pending.task = self._beginning = asyncio.create_task(self._begin(pending))
        else:
            pending.task = asyncio.create_task(self._request(pending))
        self._pending[key] = pending
        self._tasks.add(pending.task)
        pending.task.add_done_callback(self._tasks.discard)
        pending.task.add_done_callback(lambda _: self._forget(pending))

    def _forget(self, pending: PendingRequest) -> None:
        key = _key(pending.message.request_id)
        if self._pending.get(key) is pending:
            del self._pending[key]

    def _swallowed(self, message: JsonRpcMessage) -> bool:
        """Cancel a request of 2026-07-28 by closing its stream, which is the signal there; say whether so."""
        cancelled = cancelled_id(message)
        if cancelled is None:
            return False
        pending = self._pending.get(_key(cancelled))
        # In the older versions the notification itself is what the server needs.
        if pending is None:
            return self._http.version is None and self._http.modern
        pending.cancelled = True
        self._forget(pending)  # its id may be used again
        if named_version(pending.message) is None or pending.task is None:
            return False
        pending.task.cancel()
        return True

    async def _post(self, message: JsonRpcMessage) -> None:
        """Send a notification, or the client's response to a request of the server."""
        failure = await self._failure(self._accepted(message), self._patience)
        is_late = failure is not None and failure.code == TIMED_OUT
        # A server that let one time out would hold up every message behind it for as long.
        self._patience = self._limits.in_vain if is_late else self._limits.notification
        if failure is not None:
            self._note(f"{_named(message)} was not accepted: {failure.in_a_note}")
        # Only now may a server send requests of its own (MCP lifecycle), so only now is it listened to.
        elif message.method == "notifications/initialized" and self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    async def _accepted(self, message: JsonRpcMessage) -> McpFailure | None:
        async with self._http.post(message) as answer:
            return await failure_of_answer(answer, self._http.url, granted=self._http.granted_scope)

    async def _listen(self) -> None:
        failure = await self._failure(self._session.listen(), None)
        if failure is not None:
            self._note(failure.in_a_note)

    async def _request(self, pending: PendingRequest) -> None:
        failure = await self._failure(self._session.ask(pending), self._limits.request)
        if failure is not None:
            with suppress(OSError):  # the client is gone
                await self._answer(pending, failure)

    async def _failure(self, work: Awaitable[McpFailure | None], seconds: float | None) -> McpFailure | None:
        """Return what went wrong with some work: an error of ours is an answer, too."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except (AuthlensError, StreamFailed) as error:
            return failure_of(error, self._http.url)
        except FieldUnsendable as error:
            return McpFailure(INVALID_REQUEST, f"This message was not sent to the server: {error}.")
        except TimeoutError:
            return failure_of(TimedOut("The server did not answer in time."), self._http.url)
        # Whatever it is: a request without an answer would keep its client waiting for ever.
        except Exception as error:
            return McpFailure(INTERNAL_ERROR, f"authlens: an unexpected error, {type(error).__name__}.")

    async def _answer(self, pending: PendingRequest, failure: McpFailure) -> None:
        if pending.claim():
            request_id = pending.message.request_id
            await self._write(error_line(request_id, failure.code, failure.message, failure.data))


def _named(message: JsonRpcMessage) -> str:
    return "A response from the client" if message.method is None else f"The notification {message.method}"


def _key(request_id: RequestId | None) -> tuple[type, RequestId | None]:
    """Return what tells ids apart: `1` and `"1"` are two."""
    return type(request_id), request_id
