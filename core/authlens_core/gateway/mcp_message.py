"""JSON-RPC messages of MCP: what kind they are, and the header fields that go with them over HTTP.

Until 2025-11-25 the version is agreed on by `initialize` and sent in a field afterwards. Since 2026-07-28
every request names it, and method, name and marked parameters are repeated in fields, so that gateways can
route.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from authlens_core.oauth.http_message import TOKEN_CHARACTERS
from authlens_core.quick_dataclass import dataclass

VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
# A plain value that looks like an encoded one is encoded, too, or the server would decode it.
_ENCODED: Final = re.compile(r"=\?base64\?.*\?=")
_DEEPEST: Final = 20  # levels of a tool's input schema


class MessageInvalid(ValueError):
    """A line or a body is not a JSON-RPC message."""


@dataclass(frozen=True, slots=True)
class McpMessage:
    """One message."""

    body: dict[str, Any]

    @property
    def method(self) -> str | None:
        method = self.body.get("method")
        return method if isinstance(method, str) else None

    @property
    def request_id(self) -> str | int | None:
        found = self.body.get("id")
        return found if isinstance(found, str | int) and not isinstance(found, bool) else None

    @property
    def is_request(self) -> bool:
        return self.method is not None and self.request_id is not None

    def answers(self, request: McpMessage) -> bool:
        """Say whether this is the response to `request`; `1` and `"1"` are two ids."""
        if self.method is not None:
            return False
        ours, theirs = self.request_id, request.request_id
        return theirs is not None and type(ours) is type(theirs) and ours == theirs

    @property
    def params(self) -> dict[str, Any]:
        """The parameters, where they are an object."""
        found = self.body.get("params")
        return found if isinstance(found, dict) else {}

    @property
    def named_version(self) -> str | None:
        """The version that the message names itself, since 2026-07-28."""
        meta = self.params.get("_meta")
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    @property
    def cancelled_id(self) -> str | int | None:
        """The id of the request that `notifications/cancelled` cancels."""
        found = self.params.get("requestId")
        return found if isinstance(found, str | int) else None

    def routing_fields(self) -> Iterator[tuple[str, str]]:
        """Yield the fields that repeat version, method and name, where the message names its version."""
        version = self.named_version
        if version is None or self.method is None:
            return
        yield "MCP-Protocol-Version", version
        yield "Mcp-Method", self.method
        name = self.params.get(_NAMED.get(self.method, ""))
        if isinstance(name, str):
            yield "Mcp-Name", _encoded(name)


def parse_message(text: str | bytes) -> tuple[McpMessage, ...]:
    """Return the messages in a line or a body: one, or those of a batch.

    Raises:
        MessageInvalid: it is something else.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise MessageInvalid from None
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(one, dict) for one in found):
        raise MessageInvalid
    return tuple(McpMessage(one) for one in found)


def line_of(body: Mapping[str, Any]) -> bytes:
    return (
        json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"
    )


def error_line(request_id: str | int | None, code: int, message: str, data: Mapping[str, Any]) -> bytes:
    error = {"code": code, "message": message, **({"data": data} if data else {})}
    return line_of({"jsonrpc": "2.0", "id": request_id, "error": error})


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
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode('ascii')}?="
