"""Answers of a hostile resource: one that all read alike, for the client that asked."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from support.served_proxy import OK, RawUpstream, ServedProxy, raw_upstream, served_proxy
from support.two_readings import both_readings

pytestmark = pytest.mark.slow

CORPUS = tomllib.loads((Path(__file__).parent / "answer_smuggling.toml").read_text("utf-8"))["answers"]
LONG = {
    "{interim}": "HTTP/1.1 102 Processing\r\n\r\n" * 20,
    "{fields}": "".join(f"X-{number}: y\r\n" for number in range(1000)),
    "{x60000}": "x" * 60_000,
    "{x200000}": "x" * 200_000,
}


def sent(row: dict[str, Any], resource: RawUpstream) -> bytes:
    """Return the bytes of a row."""
    text = row["sent"]
    for name, value in (LONG | {"{origin}": resource.url}).items():
        text = text.replace(name, value)
    return bytes(text, "latin-1")


def asked(proxy: ServedProxy, method: str = "GET") -> bytes:
    """Return a request."""
    return f"{method} {proxy.path}/a HTTP/1.1\r\nHost: {proxy.netloc}\r\n\r\n".encode()


@pytest.mark.parametrize("row", CORPUS, ids=[row["name"] for row in CORPUS])
async def test_any_answer_of_the_resource_is_one_for_the_client(row: dict[str, Any]) -> None:
    """H372, H373: well-formed, and never without a reason where it is the proxy's own."""
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        resource.answers, resource.closes = [sent(row, resource), OK], row.get("closes", False)
        method = row.get("method", "GET")
        received, _ = await proxy.answer_to(asked(proxy, method))
        (answer,) = both_readings(received, bodiless=method == "HEAD")
        assert int(answer.target) == row["status"]
        assert answer.complete is not row.get("cut", False)
        if row["status"] in (502, 503):
            assert answer.all_of(b"content-type") == [b"application/json"]
            assert b'"cause": ' in answer.body
        else:
            assert answer.body == row.get("body", "").encode()
        assert len(answer.all_of(b"content-length") + answer.all_of(b"transfer-encoding")) <= 1
        for location in answer.all_of(b"location"):
            assert location.startswith(proxy.base.encode()) or b":" not in location
        again, _ = await proxy.answer_to(asked(proxy))
        assert both_readings(again)[0].body == b"ok"


async def test_interim_answers_without_end_are_given_up_in_time() -> None:
    """H373: they are no silence, and no answer either."""
    async with raw_upstream() as resource, served_proxy(resource.url, patience=0.2) as proxy:
        resource.answers = [b"HTTP/1.1 102 Processing\r\n\r\n" * 1000, OK]
        received, _ = await proxy.answer_to(asked(proxy))
    (answer,) = both_readings(received)
    assert int(answer.target) == 504
    assert b'"timed_out"' in answer.body


@pytest.mark.parametrize("status", [101, 200, 302, 999])
async def test_an_answer_to_an_upgrade_is_read_as_strictly(status: int) -> None:
    """H372: another protocol than was asked for, or a Location of nowhere."""
    async with raw_upstream() as resource, served_proxy(resource.url) as proxy:
        head = f"HTTP/1.1 {status} X\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nLocation: http://[\r\n"
        resource.answers = [head.encode() + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"]
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        received = await proxy.ask(asked(proxy).removesuffix(b"\r\n") + upgrade)
    (answer,) = both_readings(received)
    assert int(answer.target) == 502
    assert b'"bad_answer"' in answer.body
