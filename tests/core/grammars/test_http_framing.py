"""The grammar of a message's head: what is not exactly RFC 9112 has a reason, at every length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.grammars.http_framing import (
    alias_of,
    answer_fault,
    for_one_hop,
    framing,
    head_fault,
)
from support.two_readings import both_readings

HEAD = b"POST /a?b=[c] HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-Y: \xe9 z\r\n\r\n"


@pytest.mark.parametrize("length", range(len(HEAD) + 1))
def test_a_good_head_has_no_fault_however_much_of_it_is_there(length: int) -> None:
    assert head_fault(HEAD[:length]) == ""


def test_what_follows_the_head_is_not_looked_at() -> None:
    assert head_fault(HEAD + b"\n\n\x00 :") == ""


@pytest.mark.parametrize("byte", [0, 1, 8, 10, 11, 12, 13, 27, 31, 127])
def test_a_control_character_anywhere_in_a_head_is_a_fault(byte: int) -> None:
    """But the tab, in a value."""
    for at in range(len(HEAD) - 3):
        assert head_fault(HEAD[:at] + bytes([byte]) + HEAD[at:]), at


@given(st.lists(st.sampled_from([b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: y", b"Host: h"])))
def test_a_head_without_a_fault_has_at_most_one_framing(lines: list[bytes]) -> None:
    head = b"\r\n".join([b"POST / HTTP/1.1", b"Host: h", *lines, b"", b""])
    framed = sum(line[0] in b"CT" for line in lines)
    assert bool(head_fault(head)) is (framed > 1)


@given(st.binary(max_size=80))
def test_any_bytes_without_a_fault_are_one_request_for_every_reader(data: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: h\r\n" + data + b"\r\n\r\n"
    if not head_fault(head):
        both_readings(head)


def test_a_message_is_passed_on_with_one_framing_written_anew() -> None:
    assert framing([(b"content-length", b"005")]) == ((b"Content-Length", b"5"),)
    assert framing([(b"transfer-encoding", b"CHUNKED")]) == ((b"Transfer-Encoding", b"chunked"),)
    assert framing([(b"x", b"y")]) == ()


def test_fields_for_one_hop_are_those_of_the_specification_and_those_that_are_named() -> None:
    named = for_one_hop([(b"Connection", b"close, X-One"), (b"connection", b"x-two")])
    assert {b"x-one", b"x-two", b"te", b"upgrade"} <= named
    assert b"close" not in named


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (b"Content_Length", b"content-length"),
        (b"CONTENT.LENGTH", b"content-length"),
        (b"content-length'", b"content-length"),
        (b"Content-Length", None),
        (b"Content-Lengths", None),
    ],
)
def test_a_name_that_cgi_takes_for_another_is_its_alias(name: bytes, field: bytes | None) -> None:
    assert alias_of(name, frozenset({b"content-length"})) == field


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, 999])
def test_a_status_that_is_none_of_a_final_answer_is_a_fault(status: int) -> None:
    assert answer_fault(status, [])
    assert not answer_fault(200, [])
