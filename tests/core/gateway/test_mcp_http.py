"""What a large answer of an MCP server costs in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from authlens_core.gateway.mcp_http import events_of
from authlens_core.grammars.json_rpc import read_message
from authlens_core.wire.streaming import StreamedResponse

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
