"""What the answers to the calls of an MCP client say, in JSON and in a stream of events."""

import pytest

from authlens_core.oauth.mcp import (
    McpCall,
    mcp_request,
    protocol_version,
)
from authlens_core.values.exchange import EVENT_STREAM, Headers, Response, can_be_sent_back
from authlens_core.values.secret import Body
from authlens_core.values.url import parse_url

RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}'
ERROR = b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}'


def stream(data: bytes, *fields: tuple[str, str]) -> Response:
    return Response(200, headers=Headers.of([("Content-Type", EVENT_STREAM), *fields]), body=Body(data))


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_first_message_of_a_stream_is_read_whatever_its_lines_end_in(end: bytes) -> None:
    """WHATWG HTML §9.2.6: a comment, an event that only carries an id, a message in two lines."""
    half, rest = RESULT[:17], RESULT[17:]
    lines = (
        b": hello",
        b"",
        b"id: 1",
        b"data:",
        b"",
        b"data: " + half,
        b"data: " + rest,
        b"",
        b"data: " + ERROR,
    )
    assert protocol_version(stream(end.join(lines))) == "2025-11-25"


@pytest.mark.parametrize("character", ["\x0b", "\x1e", "\x85", "\u2028"])
def test_no_other_character_ends_a_line_of_a_stream(character: str) -> None:
    """A message in the rest of a line is none."""
    assert protocol_version(stream(f"x{character}data: ".encode() + RESULT + b"\n\n")) is None


@pytest.mark.parametrize(
    ("session", "sent"),
    [("s-1", "s-1"), ("a b", None), ("é", None), ("x" * 1_001, None), ("a\r\nb: c", None)],
)
def test_a_session_id_is_sent_back_where_a_field_can_carry_it(session: str, sent: str | None) -> None:
    """MCP, Transports: visible ASCII."""
    after = stream(b"data: " + RESULT, ("Mcp-Session-Id", session))
    request = mcp_request(
        parse_url("https://h.example/mcp"), McpCall.LIST_TOOLS, version="2025-11-25", after=after
    )
    assert request.headers.get("Mcp-Session-Id") == sent
    assert can_be_sent_back(session) is (sent is not None)
