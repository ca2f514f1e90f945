"""`authlens refresh` at a server that binds its tokens to a key (RFC 9449), and then no longer."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.wild_process import LoginProcess, machine_with_file_store
from support.wild_server import Place, member, wild_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="the process is waited for with os.wait4"),
]

BOUND = 30.0


async def test_a_refresh_that_unbinds_the_token_is_a_failure_and_keeps_the_grant(tmp_path: Path) -> None:
    """H429: the access token is dropped; the refresh token is new, and the old one may be used up."""
    machine = machine_with_file_store(tmp_path / "home")
    async with wild_server(Place.TOKEN, member("token_type", "DPoP")) as server:
        ended = await LoginProcess(machine, server, ("--dpop",)).run(BOUND)
        assert ended.code == 0, ended.words
        bound = dict(server.secrets)

        server.honest()
        refresh = [sys.executable, "-m", "authlens_tui", "refresh", f"{server.url}/api"]
        process = await asyncio.create_subprocess_exec(*refresh, env=machine, stderr=asyncio.subprocess.PIPE)
        async with asyncio.timeout(BOUND):
            _, words = await process.communicate()
    assert process.returncode == 7, words
    assert b"not bound to the key" in words
    assert b"Refreshed" not in words
    stored = "".join(one.read_text() for one in Path(machine["AUTHLENS_HOME"]).rglob("secrets.plain.json"))
    assert bound["access_token"] in stored
    assert server.secrets["access_token"] not in stored
    assert server.secrets["refresh_token"] in stored
