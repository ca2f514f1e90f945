"""What MCP puts into a JSON-RPC message, and the header fields that go with it over HTTP.

Until 2025-11-25 the version is agreed on by `initialize` and sent in a field afterwards. Since 2026-07-28
every request names it, and method, name and marked parameters are repeated in fields, so that gateways can
route.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from authlens_core.grammars.json_rpc import JsonRpcMessage, RequestId
from authlens_core.values.exchange import TOKEN_CHARACTERS, is_visible

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
