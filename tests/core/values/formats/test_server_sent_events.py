"""Server-sent events, however they are cut into chunks."""

import pytest

from authlens_core.values.formats.server_sent_events import EventReader, EventTooLarge, ServerEvent

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


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data\n\n", [ServerEvent("")]),
        (b"data:\ndata:\n\n", [ServerEvent("\n")]),
        (b"data:  x\n\n", [ServerEvent(" x")]),
        (b"event:\ndata: x\n\n", [ServerEvent("x")]),
        (b"event: a\n\ndata: x\n\n", [ServerEvent("x")]),
        (b"id: a\0b\ndata: x\n\n", [ServerEvent("x")]),
        (b"id\ndata: x\n\n", [ServerEvent("x", event_id="")]),
        (b"retry: 1e3\nretry: -1\nretry: \xd9\xa1\ndata: x\n\n", [ServerEvent("x")]),
        (b"retry: 99999999999999999999\n\n", [ServerEvent("", retry=999_999_999)]),
        (b"Data: x\n data: y\nunknown: z\n\n", []),
        (b"\xef\xbb\xbfdata: x\n\n\xef\xbb\xbfdata: y\n\n", [ServerEvent("x")]),
        (b"data: \xff\n\n", [ServerEvent("\ufffd")]),
        (b"data: \x0b\xe2\x80\xa8\xc2\x85\n\n", [ServerEvent("\x0b\u2028\x85")]),
        (b"data: x\n", []),
        (b"data: x", []),
    ],
)
def test_the_grammar_of_the_standard(data: bytes, events: list[ServerEvent]) -> None:
    """WHATWG HTML §9.2.6; what breaks off in an event is discarded."""
    assert list(EventReader().feed(data)) == events


@pytest.mark.parametrize(
    "data", [b"data: " + b"x" * 100, b"data:\n" * 20, b": x\n" * 30, b"x" * 100 + b"\n\n"]
)
def test_an_event_without_an_end_is_not_held(data: bytes) -> None:
    """Whatever its bytes are: a long line, many short ones, comments."""
    with pytest.raises(EventTooLarge):
        list(EventReader(largest=90).feed(data))


def test_a_stream_of_comments_may_last() -> None:
    """Servers send them so that no one takes the connection for dead."""
    reader = EventReader(largest=20)
    for _ in range(100):
        assert list(reader.feed(b": still here\n\n")) == []
    assert list(reader.feed(b"data: x\n\n")) == [ServerEvent("x")]
