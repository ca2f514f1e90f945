"""Streamable HTTP (MCP 2025-03-26 to 2026-07-28): one POST a message, streams of events, sessions."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

from authlens_core.credentials.lifecycle.request_credential import RequestCredential
from authlens_core.gateway.mcp_message import is_version, routing_fields
from authlens_core.gateway.signed_stream import OwnFields, authorized_stream, in_one_chunk
from authlens_core.grammars.json_rpc import BrokenMessage, JsonRpcMessage, NotJsonRpc, read_messages
from authlens_core.oauth.mcp import EVENT_STREAM, is_session_id
from authlens_core.values.errors import ServerMisconfigured
from authlens_core.values.formats.server_sent_events import MESSAGE, EventReader, EventTooLarge, ServerEvent
from authlens_core.values.url import Url, parse_url
from authlens_core.wire.client import Wire
from authlens_core.wire.streaming import StreamedRequest, StreamedResponse

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
