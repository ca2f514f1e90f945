"""The header fields that repeat what is in a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authlens_core.gateway.mcp_failure import McpFailure
from authlens_core.gateway.mcp_http import routing_fields
from authlens_core.grammars.json_rpc import JsonRpcMessage, read_message

VERSION = "io.modelcontextprotocol/protocolVersion"
META = {VERSION: "2026-07-28"}


def call(method: str, **params: Any) -> JsonRpcMessage:
    return read_message(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))


def test_a_message_that_names_its_version_is_repeated_in_fields() -> None:
    """So that a gateway can route it without reading the body (2026-07-28)."""
    assert dict(routing_fields(call("tools/call", _meta=META, name="größe"), {})) == {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "=?base64?Z3LDtsOfZQ==?=",
    }


def test_a_message_without_a_version_gets_no_fields() -> None:
    """Until 2025-11-25 there are none."""
    assert not list(routing_fields(call("tools/list"), {}))


@pytest.mark.parametrize(
    ("method", "version"),
    [
        ("x\r\ny: z", "2026-07-28"),
        ("größe", "2026-07-28"),
        ("ping", "1\r\n"),
        ("ping", "v" * 1_001),
        ("ping", ""),
    ],
)
def test_what_no_field_can_carry_is_not_sent(method: str, version: str) -> None:
    """Neither cut nor escaped: a gateway would route something else than the body says."""
    with pytest.raises(McpFailure):
        list(routing_fields(call(method, _meta={VERSION: version}), {}))


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
    message = call("tools/call", _meta=META, name="tool", arguments=arguments)
    fields = dict(routing_fields(message, {"tool": schema}))
    assert {name: value for name, value in fields.items() if "Param" in name} == {
        "Mcp-Param-Region": "=?base64?IGV1IA==?=",
        "Mcp-Param-N": "3",
        "Mcp-Param-Flag": "true",
    }
