"""JSON-RPC messages: what every reader reads alike is passed on, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.grammars.json_rpc import (
    DEEPEST,
    MOST_IN_A_BATCH,
    BrokenMessage,
    JsonRpcMessage,
    LineReader,
    LineTooLong,
    MessageKind,
    NotJsonRpc,
    error_in,
    message_of,
    read_messages,
)


def made(**members: Any) -> JsonRpcMessage | BrokenMessage:
    return message_of({"jsonrpc": "2.0", **members})


ERROR = {"code": -1, "message": "no"}


@pytest.mark.parametrize(
    ("members", "kind", "request_id"),
    [
        ({"id": 1, "method": "ping"}, MessageKind.REQUEST, 1),
        ({"id": "", "method": "ping", "params": []}, MessageKind.REQUEST, ""),
        ({"method": "ping", "params": {}}, MessageKind.NOTIFICATION, None),
        ({"id": 0, "result": {}}, MessageKind.RESULT, 0),
        ({"id": "a", "error": ERROR}, MessageKind.ERROR, "a"),
        ({"id": None, "error": ERROR}, MessageKind.ERROR, None),
        ({"error": ERROR}, MessageKind.ERROR, None),
    ],
)
def test_the_four_kinds_of_messages(members: dict[str, Any], kind: MessageKind, request_id: object) -> None:
    found = made(**members)
    assert isinstance(found, JsonRpcMessage)
    assert (found.kind, found.request_id) == (kind, request_id)
    assert json.loads(found.line) == {"jsonrpc": "2.0", **members}


@pytest.mark.parametrize(
    ("members", "request_id"),
    [
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, 1),
        ({"id": 1}, 1),
        ({"id": 1, "result": {}, "error": ERROR}, 1),
        ({"id": 1, "method": "ping", "result": {}}, 1),
        ({"id": 1, "result": None}, 1),
        ({"id": 1, "result": [1]}, 1),
        ({"id": 1, "error": "no"}, 1),
        ({"id": 1, "error": {"code": True, "message": "no"}}, 1),
        ({"id": 1, "error": {"code": 1}}, 1),
        ({"id": 1, "method": 2}, 1),
        ({"id": 1, "method": "ping", "params": 3}, 1),
        ({"id": None, "method": "ping"}, None),
        ({"id": 1.5, "method": "ping"}, None),
        ({"id": True, "method": "ping"}, None),
        ({"id": {}, "result": {}}, None),
        ({"result": {}}, None),
        ({"id": [], "error": ERROR}, None),
    ],
)
def test_an_object_of_no_kind_is_broken(members: dict[str, Any], request_id: object) -> None:
    """Its id is known all the same, so that whoever sent it is answered."""
    found = made(**members)
    assert isinstance(found, BrokenMessage)
    assert found.request_id == request_id


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", "[1]", "{", '"x"', "[" * 100_000, '[{"jsonrpc":"2.0"},1]', "\ufeff\ufeff{}"),
        *(b"\xff", b"\xed\xa0\x80", "{}".encode("utf-16"), "{}".encode("utf-32"), b'{"a":"\x00"}'),
        *('{"n":' + "9" * 5_000 + "}", "[" + ",".join(["{}"] * (MOST_IN_A_BATCH + 1)) + "]"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_message_is_refused(text: str | bytes) -> None:
    """A line is never guessed at; UTF-8 alone is read (RFC 8259 §8.1)."""
    with pytest.raises(NotJsonRpc):
        read_messages(text)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "value",
    [
        *("NaN", "-Infinity", "1e999", '"\\ud800"', '{"\\udfff":1}', nested(DEEPEST - 1), nested(900)),
        *("1" + "0" * 309, "-" + "9" * 400),
    ],
    ids=lambda value: value[:20],
)
def test_what_readers_do_not_read_alike_is_broken(value: str) -> None:
    """RFC 8259 §6, §8.2 and §9; the id is still known."""
    (found,) = read_messages(f'{{"jsonrpc":"2.0","id":7,"result":{{"x":{value}}}}}')
    assert isinstance(found, BrokenMessage)
    assert found.answers(7)


def test_an_integer_that_a_double_holds_and_digits_in_a_string_are_passed_on() -> None:
    """H482: only larger integers are refused."""
    params = {"large": 10**308, "digits": "9" * 400}
    assert isinstance(made(method="x", params=params), JsonRpcMessage)


@pytest.mark.parametrize("request_id", ["\ud800", 10**400], ids=["surrogate", "large"])
def test_a_broken_message_has_no_id_that_an_answer_cannot_name(request_id: str | int) -> None:
    """H482: the answer to it could not be written, and the bridge would end."""
    found = made(id=request_id, method="x")
    assert isinstance(found, BrokenMessage)
    assert found.request_id is None
    assert found.names_a_method


def test_a_batch_is_read_message_by_message() -> None:
    good, broken = read_messages('[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1}]')
    assert isinstance(good, JsonRpcMessage)
    assert isinstance(broken, BrokenMessage)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.lists(st.text())))
def test_each_message_is_one_line_of_strict_json(params: dict[str, Any]) -> None:
    """For every reader, also for those that end lines at U+2028."""
    found = made(method="x", params=params)
    if isinstance(found, JsonRpcMessage):
        line = found.line.decode("utf-8")
        assert line.splitlines() == [line.removesuffix("\n")]
        assert json.loads(line) == found.body


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_a_message_is_one_line_for_every_reader(character: str) -> None:
    """Python's `splitlines` and Node's `readline` know more ends of lines than JSON escapes."""
    found = made(method=character, params={character: character})
    assert isinstance(found, JsonRpcMessage)
    assert len(found.line.decode().splitlines()) == 1
    assert json.loads(found.line) == found.body


def test_of_two_members_of_one_name_only_one_is_passed_on() -> None:
    """The last, as most readers take it; a reader that takes the first sees the same."""
    (found,) = read_messages('{"jsonrpc":"2.0","id":1,"id":2,"result":{"a":1,"a":2}}')
    assert isinstance(found, JsonRpcMessage)
    assert found.line == b'{"jsonrpc":"2.0","id":2,"result":{"a":2}}\n'


def test_ids_of_different_types_are_different_ids() -> None:
    """`1` is not `"1"`, and True is no id."""
    assert made(id=1, result={}).answers(1)
    assert not made(id="1", result={}).answers(1)
    assert not made(id=True, result={}).answers(1)
    assert not made(id=1, method="y").answers(1)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"error":{"code":-5,"message":"mine"}}', True),
        (b'{"error":{"code":"-5","message":"mine"}}', False),
        (b'{"error":"mine"}', False),
        (b"[]", False),
        (b"\xff", False),
    ],
)
def test_an_error_is_found_in_an_object_that_is_no_message(text: bytes, *, found: bool) -> None:
    """Servers refuse with one."""
    assert (error_in(text) is not None) is found


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1), st.integers(1, 9)
)
def test_lines_end_in_line_feeds_alone(lines: list[bytes], size: int) -> None:
    """However they are cut into chunks; the last may lack its end."""
    data, reader = b"\n".join(lines), LineReader()
    found = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
    assert [*found, *reader.end()] == (lines if lines[-1] else lines[:-1])


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_line_that_is_too_long_is_passed_over(size: int) -> None:
    """It is held no longer than its limit, and the next line is read."""
    data, reader = b"1234\n" + b"x" * 50 + b"\n12345\n" + b"y" * 6, LineReader(longest=5)
    found = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
    assert [*found, *reader.end()] == [b"1234", LineTooLong(), b"12345", LineTooLong()]
