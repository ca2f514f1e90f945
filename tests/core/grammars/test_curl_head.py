"""What curl writes for `--dump-header`, in whatever pieces it comes."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl_header import HeadReader

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nX:\r\nx: two\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_newest_answer_that_is_not_interim_counts(size: int) -> None:
    reader, text = HeadReader(), CONTINUE + FOUND + b"Trailer: 1\r\n\r\n"
    for start in range(0, len(text), size):
        reader.feed(text[start : start + size])
    assert reader.final is not None
    assert (reader.final.status, reader.final.reason) == (302, "Found")
    assert reader.final.headers.fields == (("Location", "/a"), ("X", ""), ("x", "two"))
    reader.feed(b"HTTP/2 200 \r\n\r\n")
    assert reader.final.status == 200


@pytest.mark.parametrize("text", [b"", CONTINUE, b"Trailer: 1\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_what_is_no_whole_head_is_none(text: bytes) -> None:
    reader = HeadReader()
    reader.feed(text)
    assert reader.final is None
