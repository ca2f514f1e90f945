"""JSON-RPC messages: what every reader reads alike is passed on, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.grammars import json_rpc
from authlens_core.grammars.json_rpc import (
    DEEPEST,
    JsonRpcMessage,
    NotJsonRpc,
    error_in,
    lines_in,
    read_message,
)


def made(**members: Any) -> JsonRpcMessage:
    return read_message(json.dumps({"jsonrpc": "2.0", **members}))


def refused(text: str | bytes) -> NotJsonRpc:
    with pytest.raises(NotJsonRpc) as caught:
        read_message(text)
    return caught.value


ERROR = {"code": -1, "message": "no"}


@pytest.mark.parametrize(
    ("members", "method", "request_id"),
    [
        ({"id": 1, "method": "ping"}, "ping", 1),
        ({"id": "", "method": "ping", "params": []}, "ping", ""),
        ({"method": "ping", "params": {}}, "ping", None),
        ({"id": 0, "result": {}}, None, 0),
        ({"id": "a", "error": ERROR}, None, "a"),
        ({"id": None, "error": ERROR}, None, None),
        ({"error": ERROR}, None, None),
    ],
)
def test_requests_notifications_results_and_errors(
    members: dict[str, Any], method: str | None, request_id: object
) -> None:
    found = made(**members)
    assert (found.method, found.request_id) == (method, request_id)
    assert found.is_request is ("method" in members and "id" in members)
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
def test_an_object_of_no_kind_is_refused(members: dict[str, Any], request_id: object) -> None:
    """Its id is known all the same, so that its sender is answered."""
    assert refused(json.dumps({"jsonrpc": "2.0", **members})).request_id == request_id


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "1", "[1]", "{", '"x"', "[" * 100_000, "\ufeff\ufeff{}"),
        '[{"jsonrpc":"2.0","method":"a"}]',
        *(b"\xff", b"\xed\xa0\x80", "{}".encode("utf-16"), "{}".encode("utf-32"), b'{"a":"\x00"}'),
        '{"n":' + "9" * 5_000 + "}",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_message_is_refused(text: str | bytes) -> None:
    """A line is never guessed at; UTF-8 alone is read (RFC 8259 §8.1), and no batch."""
    assert refused(text).request_id is None


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
def test_what_readers_do_not_read_alike_is_refused(value: str) -> None:
    """RFC 8259 §6, §8.2 and §9; the id is still known."""
    found = refused(f'{{"jsonrpc":"2.0","id":7,"result":{{"x":{value}}}}}')
    assert (found.request_id, found.is_call) == (7, False)


def test_an_integer_that_a_double_holds_and_digits_in_a_string_are_passed_on() -> None:
    """H482: only larger integers are refused."""
    params = {"large": 10**308, "digits": "9" * 400}
    assert isinstance(made(method="x", params=params), JsonRpcMessage)


@pytest.mark.parametrize("request_id", ["\ud800", 10**400], ids=["surrogate", "large"])
def test_a_broken_message_has_no_id_that_an_answer_cannot_name(request_id: str | int) -> None:
    """H482: the answer to it could not be written, and the bridge would end."""
    found = refused(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "x"}))
    assert (found.request_id, found.is_call) == (None, True)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.floats() | st.lists(st.text())))
def test_each_message_is_one_line_of_strict_json(params: dict[str, Any]) -> None:
    """For every reader, also for those that end lines at U+2028."""
    with suppress(NotJsonRpc):
        found = made(method="x", params=params)
        line = found.line.decode("utf-8")
        assert line.splitlines() == [line.removesuffix("\n")]
        assert json.loads(line) == found.body


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_a_message_is_one_line_for_every_reader(character: str) -> None:
    """Python's `splitlines` and Node's `readline` know more ends of lines than JSON escapes."""
    found = made(method=character, params={character: character})
    assert len(found.line.decode().splitlines()) == 1
    assert json.loads(found.line) == found.body


def test_of_two_members_of_one_name_only_one_is_passed_on() -> None:
    """The last, as most readers take it; a reader that takes the first sees the same."""
    found = read_message('{"jsonrpc":"2.0","id":1,"id":2,"result":{"a":1,"a":2}}')
    assert found.line == b'{"jsonrpc":"2.0","id":2,"result":{"a":2}}\n'


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


async def lines_of(data: bytes, size: int, longest: int = 100) -> list[bytes]:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return [bytes(line) async for line in lines_in(chunks(), longest)]


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), min_size=1), st.integers(1, 9)
)
def test_lines_end_in_line_feeds_alone(lines: list[bytes], size: int) -> None:
    """However they are cut into chunks; the last may lack its end."""
    found = asyncio.run(lines_of(b"\n".join(lines), size))
    assert found == (lines if lines[-1] else lines[:-1])


@pytest.mark.parametrize("size", [1, 3, 100])
def test_of_a_line_that_is_too_long_one_byte_more_than_its_limit_is_held(size: int) -> None:
    """The next line is read."""
    data = b"1234\n" + b"x" * 50 + b"\n12345\n" + b"y" * 7
    found = asyncio.run(lines_of(data, size, longest=5))
    assert found == [b"1234", b"x" * 6, b"12345", b"y" * 6]


def test_a_text_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rpc, "LONGEST", 50)
    assert made(id=1, result={}).request_id == 1
    assert "longer than 50 bytes" in str(
        refused(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}}) + " " * 50)
    )
