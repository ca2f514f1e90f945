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

from msgspec.structs import replace

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream, in_one_chunk
from authlens_core.grammars.json_rpc import (
    BrokenMessage,
    JsonRpcMessage,
    NotJsonRpc,
    RequestId,
    read_messages,
)
from authlens_core.oauth.mcp import EVENT_STREAM, is_session_id
from authlens_core.values.errors import ServerMisconfigured
from authlens_core.values.exchange import TOKEN_CHARACTERS, is_visible
from authlens_core.values.formats.server_sent_events import MESSAGE, EventReader, EventTooLarge, ServerEvent
from authlens_core.values.url import Url, parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
# A plain value that looks like an encoded one is encoded, too, or the server would decode it.
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")
_DEEPEST: Final = 20  # levels of a tool's input schema
_LONGEST_VERSION: Final = 40  # characters; a version is a date
_LONGEST_METHOD: Final = 1_000  # characters


class FieldUnsendable(ValueError):
    """A message cannot be repeated in header fields; the message says why, without quoting it."""


def is_version(text: object) -> bool:
    """Return whether a value can be sent as `MCP-Protocol-Version`."""
    return isinstance(text, str) and 0 < len(text) <= _LONGEST_VERSION and is_visible(text)


def named_version(message: JsonRpcMessage) -> str | None:
    """Return the version that a message names itself, since 2026-07-28."""
    meta = message.params.get("_meta")
    version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    return version if isinstance(version, str) else None


def cancelled_id(message: JsonRpcMessage) -> RequestId | None:
    """Return the id of the request that `notifications/cancelled` cancels; None for any other message."""
    if message.method != "notifications/cancelled":
        return None
    request_id = message.params.get("requestId")
    return request_id if isinstance(request_id, str | int) and not isinstance(request_id, bool) else None


def routing_fields(message: JsonRpcMessage) -> Iterator[tuple[str, str]]:
    """Yield the fields that repeat version, method and name, where the message names its version.

    Raises:
        FieldUnsendable: the version or the method has characters that no field can carry.
    """
    version, method = named_version(message), message.method
    if version is None or method is None:
        return
    if not is_version(version) or not is_visible(method) or len(method) > _LONGEST_METHOD:
        raise FieldUnsendable("its version or its method cannot be repeated in a header field")
    yield "MCP-Protocol-Version", version
    yield "Mcp-Method", method
    name = message.params.get(_NAMED.get(method, ""))
    if isinstance(name, str):
        yield "Mcp-Name", _encoded(name)


def parameter_fields(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the `Mcp-Param-*` fields of a tool call: arguments that the tool's input schema marks.

    Args:
        schema: the `inputSchema` of the tool; it comes from the server.
        arguments: of the call.
    """
    for path, token in _marked(schema, ()):
        value: Any = arguments
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, bool):
            yield f"Mcp-Param-{token}", "true" if value else "false"
        # Longer ones would let an argument push the header over the limit of a server.
        elif isinstance(value, str | int) and len(str(value)) < 4096:
            yield f"Mcp-Param-{token}", _encoded(str(value))


def _marked(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or len(path) > _DEEPEST:
        return
    for name, inner in properties.items():
        token = inner.get("x-mcp-header") if isinstance(inner, dict) else None
        if isinstance(token, str) and token and TOKEN_CHARACTERS.issuperset(token):
            yield (*path, name), token
        yield from _marked(inner, (*path, name))


def _encoded(value: str) -> str:
    """Return a value as a header field can carry it: as it is, or in base64 with a mark around it."""
    plain = _PLAIN.fullmatch(value) and value == value.strip() and not _ENCODED.fullmatch(value)
    if plain:
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode('ascii')}?="


Messages = tuple[JsonRpcMessage | BrokenMessage, ...]

# Bytes of an answer that is no stream.
_LARGEST_BODY: Final = 64 * 1024 * 1024
_OWNER: Final = "Only the server's owner can correct it."


class BodyTooLarge(Exception):
    """A body is longer than what is held."""


class McpHttp:
    """Sends messages to one MCP endpoint with a fresh credential.

    Args:
        credential: gives the header fields; its URL is the endpoint.

    Attributes:
        session: the session id that is sent; empty where the server has no sessions.
        version: the version that was agreed on, if any.
        modern: whether the client names the version in its requests (since 2026-07-28).
    """

    def __init__(self, wire: Wire, credential: RequestCredential) -> None:
        self._wire = wire
        self._credential = credential
        self._url: Url = parse_url(credential.url, loopback_http=True)
        self.session: str = ""
        self.version: str | None = None
        self.modern = False

    @property
    def url(self) -> str:
        return self._url.text

    @property
    def granted_scope(self) -> str | None:
        """The scope of the grant for the endpoint; None without one."""
        return self._credential.granted_scope

    def forget_session(self) -> None:
        """Send neither a session id nor a version: `initialize` comes next."""
        self.session, self.version = "", None

    def begin_session(self, answer: StreamedResponse) -> None:
        """Send the session id in an answer to `initialize` from now on.

        Raises:
            ServerMisconfigured: no header field can carry it.
        """
        session = answer.get("mcp-session-id")
        # It is sent back in every request, so a line end in it would be another header field.
        if session and not is_session_id(session):
            raise ServerMisconfigured("The server's session ID cannot be sent in a header field.", _OWNER)
        self.session = session

    def agree_on(self, version: object) -> None:
        """Send the version in the result of `initialize` from now on.

        Raises:
            ServerMisconfigured: no header field can carry it.
        """
        if not isinstance(version, str) or not is_version(version):
            raise ServerMisconfigured(
                "The server's protocol version cannot be sent in a header field.", _OWNER
            )
        self.version = version

    def post(
        self, message: JsonRpcMessage, more: tuple[tuple[str, str], ...] = ()
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one message; yield the answer, whatever its status.

        Raises:
            FieldUnsendable: it cannot be repeated in header fields; nothing was sent.
            LoginNeeded: a user has to log in.
            Refused: the server refuses a renewed credential, too.
            StreamFailed: there was no answer.
        """
        own = tuple(routing_fields(message))
        # Since 2026-07-28 each message names its version; before, the session did.
        self.modern = self.modern or bool(own)
        fields = (
            *(("Content-Type", "application/json"), ("Content-Length", str(len(message.line)))),
            *(own or self._session_fields()),
            *more,
        )
        return self._sent("POST", fields, message.line)

    def get(self, last_id: str | None) -> AbstractAsyncContextManager[StreamedResponse]:
        """Open a stream of events, after the event with `last_id` where there is one; raises as `post`."""
        resumed = () if last_id is None else (("Last-Event-ID", last_id),)
        return self._sent("GET", (*self._session_fields(), *resumed), b"")

    async def end_session(self) -> None:
        """Tell the server that the session is over; raises as `post`."""
        if self.session:
            # Servers keep sessions in memory for hours, and many count them.
            async with self._sent("DELETE", self._session_fields(), b""):
                pass

    def _sent(
        self, method: str, fields: tuple[tuple[str, str], ...], data: bytes
    ) -> AbstractAsyncContextManager[StreamedResponse]:
        target = (self._url.path or "/") + ("" if self._url.query is None else f"?{self._url.query}")
        common = (
            ("Host", self._url.authority),
            ("User-Agent", "authlens"),
            ("Accept", f"application/json, {EVENT_STREAM}" if method != "GET" else EVENT_STREAM),
            # Events are passed on as they arrive, and a compressor may hold them back.
            ("Accept-Encoding", "identity"),
        )

        def build(credential: OwnFields) -> StreamedRequest:
            passed = (*common, *fields, *credential)
            raw = tuple((name.encode("ascii"), value.encode("utf-8")) for name, value in passed)
            body = in_one_chunk(data) if data else None
            return StreamedRequest(method, self._url, target.encode("ascii"), raw, body)

        return authorized_stream(self._wire, self._credential, build)

    def _session_fields(self) -> tuple[tuple[str, str], ...]:
        version = () if self.version is None else (("MCP-Protocol-Version", self.version),)
        return (*version, *((("Mcp-Session-Id", self.session),) if self.session else ()))


def media_type_of(answer: StreamedResponse) -> str:
    """Return the media type in lower case without parameters, or the empty string; text from outside."""
    return answer.get("content-type").partition(";")[0].strip().lower()


async def messages_of(answer: StreamedResponse) -> AsyncGenerator[tuple[ServerEvent, Messages], None]:
    """Yield each event of a stream with the messages in it; a JSON body counts as one event.

    Raises:
        StreamFailed: it broke off.
        ServerMisconfigured: there is something that is no message, or that has no end.
    """
    try:
        if media_type_of(answer) != EVENT_STREAM:
            body = await read_bounded(answer, _LARGEST_BODY)
            if body.strip():
                yield ServerEvent(""), read_messages(body)
            return
        reader = EventReader()
        async for chunk in answer.body:
            for event in reader.feed(chunk):
                data = [event.data] if event.name == MESSAGE and event.data else []
                event = replace(event, data="")  # noqa: PLW2901 - the text is not held beside its messages
                yield event, read_messages(data.pop()) if data else ()
    except NotJsonRpc as error:
        raise ServerMisconfigured(
            f"The server sent something that is not a JSON-RPC message: {error}.",
            "Check that the URL is its MCP endpoint.",
        ) from None
    except (BodyTooLarge, EventTooLarge):
        raise ServerMisconfigured("The server sent a message that is too large to hold.", _OWNER) from None


async def read_bounded(answer: StreamedResponse, most: int) -> bytearray:
    """Return a body of at most `most` bytes.

    Raises:
        BodyTooLarge: it is longer.
        StreamFailed: it broke off.
    """
    body = bytearray()
    async for chunk in answer.body:
        body += chunk
        if len(body) > most:
            raise BodyTooLarge
    return body
