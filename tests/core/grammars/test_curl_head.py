"""What curl writes for `--dump-header`."""

from __future__ import annotations

import pytest

from authlens_core.grammars.curl import newest_head
from support.made_checks import present

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
FOUND = b"HTTP/1.1 302 Found\r\nLocation: /a\r\nX:\r\nx: two\r\n\r\n"


def test_the_newest_answer_that_is_not_interim_counts() -> None:
    text = CONTINUE + FOUND + b"Trailer: 1\r\n\r\n"
    head = present(newest_head(text))
    assert head.status == 302
    assert head.headers.fields == (("Location", "/a"), ("X", ""), ("x", "two"))
    following = present(newest_head(text + b"HTTP/2 200 \n\n"))
    assert following.status == 200


@pytest.mark.parametrize("text", [b"", CONTINUE, b"Trailer: 1\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_what_is_no_whole_head_is_none(text: bytes) -> None:
    assert newest_head(text) is None
