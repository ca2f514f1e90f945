"""JSON-RPC messages and the header fields that repeat what is in them."""

from __future__ import annotations

from typing import Any

import pytest

from authlens_core.gateway.mcp_message import McpMessage, MessageInvalid, parameter_fields, parse_message

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}


def test_a_message_that_names_its_version_is_repeated_in_fields() -> None:
    """So that a gateway can route it without reading the body (2026-07-28)."""
    call = McpMessage({"id": 1, "method": "tools/call", "params": {"_meta": META, "name": "größe"}})
    assert dict(call.routing_fields()) == {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "=?base64?Z3LDtsOfZQ==?=",
    }


def test_a_message_without_a_version_gets_no_fields() -> None:
    """Until 2025-11-25 there are none."""
    assert not list(McpMessage({"id": 1, "method": "tools/list"}).routing_fields())


def test_marked_arguments_become_fields_also_nested_ones() -> None:
    """Those that are missing or are no scalars are left out."""
    schema: dict[str, Any] = {
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "flag": {"type": "boolean", "x-mcp-header": "Flag"},
            "bad": {"x-mcp-header": "not a token\r\n"},
            "absent": {"x-mcp-header": "Absent"},
        }
    }
    arguments = {"region": " eu ", "deep": {"n": 3}, "flag": True, "bad": "x"}
    assert dict(parameter_fields(schema, arguments)) == {
        "Mcp-Param-Region": "=?base64?IGV1IA==?=",
        "Mcp-Param-N": "3",
        "Mcp-Param-Flag": "true",
    }


@pytest.mark.parametrize("text", ["", "[]", "1", "[1]", "{", '"x"', "[" * 100_000])
def test_what_is_no_message_is_refused(text: str) -> None:
    """A line is never guessed at."""
    with pytest.raises(MessageInvalid):
        parse_message(text)


def test_ids_of_different_types_are_different_ids() -> None:
    """`1` is not `"1"`, and True is no id."""
    request = McpMessage({"id": 1, "method": "x"})
    assert McpMessage({"id": 1, "result": {}}).answers(request)
    assert not McpMessage({"id": "1", "result": {}}).answers(request)
    assert not McpMessage({"id": True, "result": {}}).answers(request)
    assert not McpMessage({"id": 1, "method": "y"}).answers(request)
