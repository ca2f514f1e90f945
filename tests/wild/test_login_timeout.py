"""`login --timeout S` bounds each way to log in, and the user has what is left of it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.cloudflared_stub import stub_in
from support.wild_process import LoginProcess
from support.wild_server import Answer, Place, document, status, wild_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4"),
]

BOUND = 30.0
TIMEOUT = ("--timeout", "5")


def _pending(answer: Answer) -> Answer:
    return document({"error": "authorization_pending"})(status(400)(answer))


async def test_it_ends_the_wait_for_the_code_of_a_device(machine: dict[str, str]) -> None:
    """H421: the code lives ten minutes, and no one enters it."""
    async with wild_server(Place.TOKEN, _pending) as server:
        ended = await LoginProcess(machine, server, ("--device", *TIMEOUT)).run(BOUND)
    assert ended.code == 8, ended.words
    assert "not entered within 5 seconds" in ended.words
    assert "--timeout 900" in ended.words
    [code] = [one for one in ended.events if one["event"] == "device_code"]
    assert 0 < code["seconds"] <= 5


async def test_it_ends_the_wait_for_the_browser(machine: dict[str, str]) -> None:
    """H421: no one opens the link."""
    async with wild_server(Place.CALLBACK) as server:
        process = LoginProcess(machine, server, TIMEOUT, opens=False)
        ended = await process.run(BOUND)
    assert ended.code == 8, ended.words
    assert "--timeout 900" in ended.words
    [link] = [one for one in ended.events if one["event"] == "authorization_url"]
    assert 0 < link["seconds"] < 5


@pytest.mark.parametrize("mode", ["slow", "deaf"])
async def test_it_ends_the_wait_for_cloudflared(mode: str, machine: dict[str, str], tmp_path: Path) -> None:
    """H421: cloudflared itself would wait ten minutes, and may ignore what ends it."""
    stub = stub_in(tmp_path / "stub", mode)
    login = [sys.executable, "-m", "authlens_tui", "login", "https://wiki.example.com/", "--cloudflared"]
    process = await asyncio.create_subprocess_exec(
        *login, *TIMEOUT, env={**machine, **stub.environ}, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(BOUND):
        _, words = await process.communicate()
    assert process.returncode == 8, words
