"""Streamable HTTP (MCP 2025-03-26 to 2026-07-28): one POST a message, streams of events, sessions.

Until 2025-11-25 the version is agreed on by `initialize` and sent in a field afterwards. Since 2026-07-28
every request names it, and method, name and marked parameters are repeated in fields, so that gateways can
route.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from msgspec import Struct

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.mcp_failure import McpFailure, body_of
from authlens_core.gateway.signed_stream import OWNER, OwnFields, authorized_stream, in_one_chunk
from authlens_core.grammars.json_rpc import INVALID_REQUEST, JsonRpcMessage
from authlens_core.values.errors import NetworkFailure, ServerMisconfigured
from authlens_core.values.exchange import EVENT_STREAM, JSON_TYPE, TOKEN_CHARACTERS, can_be_sent_back
from authlens_core.values.formats.server_sent_events import MESSAGE, EventReader, EventTooLarge, ServerEvent
from authlens_core.values.url import parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse

Fields = list[tuple[str, str]]

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
# Longer ones would let an argument push the header over the limit of a server.
_LONGEST_PARAMETER: Final = 4096  # characters
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")
# Seconds. A server may ask for any time with `retry`: shorter ones would keep both machines busy, longer ones
# would keep the client from its answer.
SHORTEST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_MOST_IN_VAIN: Final = 5


class Reconnection(Struct):
    """Where a stream is.

    Attributes:
        last_id: the event to resume after; None where it cannot be resumed.
        in_vain: how many reconnections in a row brought no event.
        pause: the seconds that the server asks for.
    """

    last_id: str | None = None
    in_vain: int = 0
    pause: float = SHORTEST_PAUSE

    def note(self, event: ServerEvent) -> None:
        """Note an event that came."""
        self.in_vain = 0
        if event.event_id is not None:
            self.last_id = event.event_id if can_be_sent_back(event.event_id) else None
        if event.retry is not None:
            self.pause = min(max(event.retry / 1000, SHORTEST_PAUSE), LONGEST_PAUSE)

    def next_pause(self) -> float:
        """Return the seconds to wait now: what the server asks for, and twice as many after each failure.

        Raises:
            NetworkFailure: there were too many.
        """
        if self.in_vain >= _MOST_IN_VAIN:
            raise NetworkFailure(
                f"The stream was interrupted, and {_MOST_IN_VAIN} attempts to resume it failed."
            )
        pause = min(self.pause * 2.0**self.in_vain, LONGEST_PAUSE)
        self.in_vain += 1
        return pause


def routing_fields(message: JsonRpcMessage, schemas: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the fields that repeat version, method, name and parameters, where a message names its version.

    Args:
        schemas: the `inputSchema` of each tool; they come from the server.

    Raises:
        McpFailure: the version or the method has characters that no field can carry.
    """
    meta, method, params = message.params.get("_meta"), message.method, message.params
    version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    if not isinstance(version, str) or method is None:
        return
    if not can_be_sent_back(version) or not can_be_sent_back(method):
        cause = "This message was not sent to the server: no header field can carry its version and method."
        raise McpFailure(INVALID_REQUEST, cause)
    yield "MCP-Protocol-Version", version
    yield "Mcp-Method", method
    name = params.get(_NAMED.get(method, ""))
    if isinstance(name, str):
        yield "Mcp-Name", _encoded(name)
        if method == "tools/call":
            yield from _parameter_fields(schemas.get(name), params.get("arguments"))


def _parameter_fields(schema: Any, arguments: Any) -> Iterator[tuple[str, str]]:
    """Yield the `Mcp-Param-*` fields of a tool call: arguments that the tool's input schema marks."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not isinstance(arguments, dict):
        return
    for name, inner in properties.items():
        token = inner.get("x-mcp-header") if isinstance(inner, dict) else None
        value = arguments.get(name)
        if isinstance(token, str) and token and TOKEN_CHARACTERS.issuperset(token):
            text = str(value).lower() if isinstance(value, int) else value
            if isinstance(text, str) and len(text) < _LONGEST_PARAMETER:
                yield f"Mcp-Param-{token}", _encoded(text)
        yield from _parameter_fields(inner, value)


def _encoded(value: str) -> str:
    """Return a value as a header field can carry it: as it is, or in base64 with a mark around it."""
    plain = value.isascii() and value.isprintable() and value == value.strip()
    # A plain value that looks like an encoded one is encoded, too, or the server would decode it.
    if plain and not value.startswith("=?base64?"):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


class McpHttp:
    """Sends messages to one MCP endpoint with a fresh credential.

    Args:
        credential: gives the header fields; its URL is the endpoint.

    Attributes:
        session: the ID of the session; empty if the server gave none.
    """

    def __init__(self, wire: Wire, credential: RequestCredential) -> None:
        self._wire = wire
        self.credential = credential
        self.session = ""
        self._version = ""
        self._schemas: dict[str, Any] = {}

    def begin_session(self, answer: StreamedResponse) -> None:
        """Send the session id in an answer to `initialize` from now on.

        Raises:
            ServerMisconfigured: no header field can carry it.
        """
        self.session = _sendable(answer.get("mcp-session-id")) or self.session

    def learn(self, request: JsonRpcMessage, result: Mapping[str, Any]) -> None:
        """Note the agreed version, and which parameters of a tool are repeated in header fields.

        Raises:
            ServerMisconfigured: no header field can carry the version.
        """
        if request.method == "initialize":
            self._version = _sendable(result.get("protocolVersion", ""))
        tools = result.get("tools") if request.method == "tools/list" else None
        # Added to what is known: a long list comes in pages.
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict):
                self._schemas[str(tool.get("name"))] = tool.get("inputSchema")

    def post(self, message: JsonRpcMessage) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one message; yield the answer, whatever its status.

        Raises:
            McpFailure: it cannot be repeated in header fields; nothing was sent.
            LoginNeeded: a user has to log in.
            Refused: the server refuses a renewed credential, too.
            StreamFailed: there was no answer.
        """
        routing = [*routing_fields(message, self._schemas)]
        if message.method != "initialize":
            routing = routing or self._session_fields()
        framing = [("Content-Type", JSON_TYPE), ("Content-Length", str(len(message.line)))]
        return self._send("POST", framing + routing, message.line)

    def get(self, last_id: str | None) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a stream of events, after the event with `last_id` where there is one; raises as `post`."""
        return self._send("GET", self._session_fields() + ([("Last-Event-ID", last_id)] if last_id else []))

    async def end_session(self) -> None:
        """Tell the server that the session is over; raises as `post`."""
        if self.session:
            # Servers keep sessions in memory for hours, and many count them.
            async with self._send("DELETE", self._session_fields()):
                pass

    def _send(
        self, method: str, fields: Fields, data: bytes = b""
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        url = parse_url(self.credential.url, loopback_http=True)
        common = [
            ("Host", url.authority),
            ("User-Agent", "authlens"),
            ("Accept", EVENT_STREAM if method == "GET" else f"{JSON_TYPE}, {EVENT_STREAM}"),
            # Events are passed on as they arrive, and a compressor may hold them back.
            ("Accept-Encoding", "identity"),
        ]

        def build(credential: OwnFields) -> StreamedRequest:
            pairs = (*common, *fields, *credential)
            raw = tuple((name.encode("ascii"), value.encode("utf-8")) for name, value in pairs)
            body = in_one_chunk(data) if data else None
            return StreamedRequest(method, url, target=url.target.encode("ascii"), fields=raw, body=body)

        return authorized_stream(self._wire, self.credential, build)

    def _session_fields(self) -> Fields:
        # Before 2025-06-18 there is no version in a field, and servers without sessions have no id.
        pairs = [("MCP-Protocol-Version", self._version), ("Mcp-Session-Id", self.session)]
        return [pair for pair in pairs if pair[1]]


def _sendable(value: Any) -> str:
    """Return a value of the server that is sent back in every request; a line end in it would be a field.

    Raises:
        ServerMisconfigured: no header field can carry it.
    """
    if isinstance(value, str) and (not value or can_be_sent_back(value)):
        return value
    raise ServerMisconfigured("No header field can carry the server's session ID or protocol version.", OWNER)


async def events_of(answer: StreamedResponse) -> AsyncGenerator[tuple[ServerEvent, str | bytearray], None]:
    """Yield each event of a stream and the message in it, if any; a JSON body counts as one event.

    Raises:
        StreamFailed: it broke off.
        ServerMisconfigured: it is of another type, or something in it has no end.
    """
    kind = answer.media_type
    if kind == JSON_TYPE:
        yield ServerEvent(""), await body_of(answer)
        return
    if kind != EVENT_STREAM:
        media_type = kind if _MEDIA_TYPE.fullmatch(kind) else "no known media type"
        cause = f"The server answered {answer.status} with {media_type}, but MCP requires JSON or events."
        raise ServerMisconfigured(cause)
    reader = EventReader()
    try:
        async for chunk in answer.body:
            for event in reader.feed(chunk):
                yield event, event.data if event.name == MESSAGE else ""
    except EventTooLarge:
        raise ServerMisconfigured("The server sent a message that is too large to hold.", OWNER) from None
