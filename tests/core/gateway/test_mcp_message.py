"""Messages of MCP: the header fields that repeat what is in one, and what a large one costs in memory."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authlens_core.gateway.mcp_failure import McpFailure
from authlens_core.gateway.mcp_http import events_of, routing_fields
from authlens_core.grammars.json_rpc import JsonRpcMessage, read_message
from authlens_core.wire.streaming import StreamedResponse

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


TEXT = "abcdefghij" * 200_000
RESULT = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"text": TEXT}}).encode()


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", RESULT), ("text/event-stream", b"data: " + RESULT + b"\n\n")],
    ids=["json", "events"],
)
async def test_a_large_answer_is_held_in_three_forms(kind: str, body: bytes) -> None:
    """As it came, as values and as a line."""
    answer = StreamedResponse(200, ((b"content-type", kind.encode()),), _chunks(body), None)
    tracemalloc.start()
    try:
        [text] = [text async for _, text in events_of(answer)]
        message = read_message(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message.line == RESULT.replace(b": ", b":").replace(b", ", b",") + b"\n"
    assert peak < 4 * len(body)
