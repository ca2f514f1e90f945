"""How the resource itself is asked: by a plain GET, or by the calls of a Model Context Protocol client.

They show whether a server wants a token.
Since 2026-07-28 every request names the protocol version itself and `server/discover` comes first. Before,
`initialize` came first and its answer could open a session.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from authlens_core.values.exchange import (
    EVENT_STREAM,
    JSON_TYPE,
    Headers,
    Request,
    Response,
    can_be_sent_back,
)
from authlens_core.values.formats.json_document import JsonValue, object_in
from authlens_core.values.secret import Body
from authlens_core.values.url import Url

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
_SESSION: Final = "mcp-session-id"
_CLIENT: Final = {"name": "authlens", "version": "1"}


class McpCall(StrEnum):
    """What is asked of the server."""

    DISCOVER = "server/discover"
    INITIALIZE = "initialize"
    LIST_TOOLS = "tools/list"


def mcp_request(
    url: Url,
    call: McpCall,
    *,
    version: str = MODERN,
    after: Response | None = None,
    authorization: tuple[str, str] | None = None,
) -> Request:
    """Return the POST of `call`.

    Args:
        version: of the protocol, for a call that both generations have.
        after: the answer to `initialize`; its session is named again.
    """
    fields = [("Accept", f"{JSON_TYPE}, {EVENT_STREAM}"), ("Content-Type", JSON_TYPE)]
    params: dict[str, object] = {}
    if call is McpCall.INITIALIZE:
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
    elif call is McpCall.DISCOVER or version == MODERN:
        fields += [("MCP-Protocol-Version", MODERN), ("Mcp-Method", call.value)]
        key = "io.modelcontextprotocol"
        params["_meta"] = {
            f"{key}/protocolVersion": MODERN,
            f"{key}/clientInfo": _CLIENT,
            f"{key}/clientCapabilities": {},
        }
    else:
        fields.append(("MCP-Protocol-Version", version))
    session = after.headers.get(_SESSION) if after is not None else None
    if session and can_be_sent_back(session):
        fields.append(("Mcp-Session-Id", session))
    if authorization is not None:
        fields.append(authorization)
    body = {"jsonrpc": "2.0", "id": 1, "method": call.value, "params": params}
    return Request("POST", url.text, Headers.of(fields), Body(json.dumps(body).encode()))


def resource_request(
    url: Url, call: McpCall | None = None, *, authorization: tuple[str, str] | None = None
) -> Request:
    """Return the request for the resource, with the Authorization field if one is given.

    A `call` is a POST, as of an MCP client. Without one it is a GET that prefers JSON, which makes Access
    answer as it answers a program.
    """
    if call is not None:
        return mcp_request(url, call, authorization=authorization)
    credential = [authorization] if authorization is not None else []
    return Request("GET", url.text, Headers.of([("Accept", f"{JSON_TYPE}, */*;q=0.1"), *credential]))


def call_of(request: Request) -> McpCall | None:
    """Return which call a POST of `mcp_request` is; None for any other request."""
    method = object_in(request.body.reveal()).get("method")
    return next((call for call in McpCall if call.value == method), None)


def is_result(response: Response) -> bool:
    """Return whether the answer to a call is a result and not an error, or a stream that has just begun."""
    message = _message(response)
    return "result" in message or (not message and response.media_type == EVENT_STREAM)


def is_json_rpc(response: Response) -> bool:
    """Return whether the answer is a JSON-RPC message, a result or an error."""
    return _message(response).get("jsonrpc") == "2.0"


def protocol_version(response: Response) -> str | None:
    """Return the protocol version that an answer names, or None: text from outside, at most 40 characters."""
    message = _message(response)
    result, error = message.get("result"), message.get("error")
    versions: JsonValue = None
    if isinstance(result, dict):
        versions = result.get("protocolVersion") or result.get("supportedVersions")
    elif isinstance(error, dict):
        data = error.get("data")
        versions = data.get("supported") if isinstance(data, dict) else None
    if isinstance(versions, list):
        # Versions are dates, so the greatest text is the newest.
        versions = next(iter(sorted((v for v in versions if isinstance(v, str)), reverse=True)), None)
    return versions[:40] if isinstance(versions, str) else None


def _message(response: Response) -> dict[str, JsonValue]:
    """Return the JSON object of an answer or of the first event in a stream, else an empty one."""
    data = response.body.reveal()
    if response.media_type == EVENT_STREAM:
        from authlens_core.values.formats.server_sent_events import EventReader

        # The end of an event may still be on its way: the stream was left when it had begun.
        events = EventReader().feed(data + b"\n\n")
        messages = (object_in(event.data.encode()) for event in events if event.data)
        return next(filter(None, messages), {})
    return object_in(data) if response.media_type == JSON_TYPE else {}
