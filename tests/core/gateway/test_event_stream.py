"""Server-sent events, however they are cut into chunks."""

from __future__ import annotations

import pytest

from authlens_core.gateway.event_stream import EventReader, ServerEvent

TEXT = (
    "\ufeff: a comment\nid: 7\nretry: 250\ndata: one\ndata:two\n\nevent: other\rdata: ä\r\r\ndata: x\r\n\r\n"
)
EVENTS = [
    ServerEvent("one\ntwo", "message", "7", 250),
    ServerEvent("ä", "other"),
    ServerEvent("x"),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_the_same_in_chunks_of_any_size(size: int) -> None:
    """All three ends of a line, also across chunks, and a character cut in half."""
    data, reader = TEXT.encode(), EventReader()
    found = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    assert found == EVENTS


def test_an_event_without_data_still_says_where_to_resume() -> None:
    """MCP servers open a resumable stream with one."""
    assert list(EventReader().feed(b"id: 1\ndata:\n\n")) == [ServerEvent("", "message", "1")]
