"""No secret of an exchange is in a log, a repr or a failure."""

import logging

import pytest

from authlens_core.values.exchange import Exchange, Headers, Request
from authlens_core.values.secret import Body
from authlens_core.wire.client import Wire
from authlens_core.wire.limits import Limits
from support.hostile_server import Receive, Reset, Send, Step, Wait, answer, hostile_server

CANARY = "canary-c0ffee-wire-secret"

ENDINGS: dict[str, tuple[Step, ...]] = {
    "an answer": answer("200 OK", f"Set-Cookie: {CANARY}", body=CANARY.encode()),
    "a redirect": answer("302 Found", f"Location: https://x.example/?code={CANARY}"),
    "rubbish": (Receive(), Send(CANARY.encode() + b"\r\n\r\n")),
    "a broken body": (
        Receive(),
        Send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nX: " + CANARY.encode() + b"\r\n\r\n" + CANARY.encode()
        ),
    ),
    "a reset": (Receive(), Reset()),
    "silence": (Receive(), Wait()),
    "a large header": (Receive(), Send(b"HTTP/1.1 200 OK\r\n" + b"X: " + CANARY.encode() * 9999)),
    "an encoding": answer("200 OK", f"Content-Encoding: {CANARY[:6]}", body=CANARY.encode()),
}


async def _everything_secret(*steps: Step) -> Exchange:
    async with hostile_server(*steps) as server, Wire(environ={}) as wire:
        request = Request(
            "POST",
            f"{server.url}?state={CANARY}",
            Headers.of([("Authorization", f"Bearer {CANARY}"), ("Cookie", CANARY)]),
            Body(f"refresh_token={CANARY}".encode()),
        )
        return await wire.send(request, limits=Limits(deadline=0.5), loopback_http=True)


@pytest.mark.parametrize("steps", ENDINGS.values(), ids=ENDINGS)
async def test_no_secret_is_logged_or_shown(
    steps: tuple[Step, ...], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With every logger of the process at DEBUG the libraries say nothing at all."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    exchange = await _everything_secret(*steps)
    assert not [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]
    assert CANARY not in caplog.text
    assert CANARY not in repr(exchange)
    assert CANARY not in str(exchange.failure)
    output = capfd.readouterr()
    assert CANARY not in output.out + output.err


async def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    """Httpx would make a credential of it."""
    async with Wire(environ={}) as wire:
        exchange = await wire.send(Request("GET", f"https://me:{CANARY}@wiki.example.com/"))
    assert exchange.failure is not None
    assert CANARY not in str(exchange.failure)
