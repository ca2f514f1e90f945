"""Bytes that two programs in a row could read as different requests."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from authlens_core.gateway import http_protocol
from support.served_proxy import TOKEN, ServedProxy, raw_upstream, served_proxy
from support.two_readings import Message, both_readings

pytestmark = pytest.mark.slow

CORPUS = tomllib.loads((Path(__file__).parent / "request_smuggling.toml").read_text("utf-8"))["requests"]
LONG = "x" * 70_000


def sent(row: dict[str, Any], proxy: ServedProxy) -> bytes:
    """Return the bytes of a row."""
    values = {"{host}": proxy.netloc, "{path}": proxy.path, "{x70000}": LONG}
    text = row["sent"]
    for name, value in values.items():
        text = text.replace(name, value)
    return bytes(text, "latin-1")


def answers(received: bytes) -> list[Message]:
    """Return the final answers among what a client receives."""
    return [one for one in both_readings(received) if not one.start.startswith(b"HTTP/1.1 1")]


@pytest.mark.parametrize(("sent", "status"), [(b"GET /a HTTP/1.1\r\nHost: ", b"408"), (b"", b"")])
async def test_a_head_that_never_ends_is_given_up(
    sent: bytes, status: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H370: with an answer; a connection without a word is closed without one."""
    monkeypatch.setattr(http_protocol, "_HEAD_SECONDS", 0.1)
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        received = await proxy.ask(sent)
    assert [one.target for one in both_readings(received)] == ([status] if status else [])


@pytest.mark.parametrize(
    "framing", ["Content-Length: 9", "Content-Length: 99999", "Transfer-Encoding: chunked"]
)
async def test_a_body_that_never_ends_is_given_up(framing: str) -> None:
    """H370: with an answer; the resource has no whole request then."""
    async with raw_upstream() as resource:
        async with served_proxy(resource.url, patience=0.2) as proxy:
            head = f"POST {proxy.path}/a HTTP/1.1\r\nHost: {proxy.netloc}\r\n{framing}\r\n\r\n3\r\n"
            received, _ = await proxy.answer_to(head.encode())
        left = [one for stream in resource.streams for one in both_readings(bytes(stream))]
    assert [one.target for one in both_readings(received)] == [b"504"]
    assert [one for one in left if one.complete] == []


@pytest.mark.parametrize("row", CORPUS, ids=[row["name"] for row in CORPUS])
async def test_what_is_ambiguous_is_refused_and_the_connection_ends(row: dict[str, Any]) -> None:
    """H370, H371: what leaves the proxy is the same for both readers, and has the credential once each."""
    async with raw_upstream() as resource:
        async with served_proxy(resource.url) as proxy:
            # Until the proxy closes: a connection that goes on would be read for another request.
            received = await proxy.ask(sent(row, proxy))
        left = [request for stream in resource.streams for request in both_readings(bytes(stream))]
    host = resource.url.partition("://")[2].encode()
    assert [int(one.target) for one in answers(received)] == row["answers"]
    for request in left:
        assert request.all_of(b"authorization") == [f"Bearer {TOKEN}".encode()]
        assert request.all_of(b"host") == [host]
        assert request.complete or 400 in row["answers"]
        assert b"smuggled" not in request.target
        assert proxy.path.encode() not in request.target
