"""Leaving in the middle of a refresh that is not answered: in time for `docker stop`, and honest later."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from authlens_core.credentials.vault.credentials import EXIT_BOUND
from support.server_process import child, ended
from support.waiting import PATIENCE
from support.wild_process import LoginProcess, machine_with_file_store
from support.wild_server import Place, silent, wild_server

pytestmark = pytest.mark.e2e
AUTHLENS = (sys.executable, "-m", "authlens_tui")
DOCKER_KILLS_AFTER = 10.0
LEAVES_WITHIN = 16.0
"""Seconds for the bound and a pause of the machine; the request itself would last for twenty."""


@asynccontextmanager
async def refreshing(machine: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Log in, then refresh at a server that says nothing more; yield when the refresh token was sent."""
    async with wild_server() as server:
        done = await LoginProcess(machine, server).run(60)
        assert done.code == 0, done.words
        server.place, server.change = Place.TOKEN, silent
        async with child(
            *(*AUTHLENS, "refresh", f"{server.url}/api"),
            env=machine,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        ) as process:
            await asyncio.wait_for(server.changed.wait(), PATIENCE)
            yield process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_before_a_container_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    """RF-8: the answer is waited for, but not longer."""
    assert EXIT_BOUND < DOCKER_KILLS_AFTER - 2
    async with refreshing(machine_with_file_store(tmp_path / "home")) as process:
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), LEAVES_WITHIN) == 128 + number


async def test_list_says_that_a_killed_refresh_was_interrupted(tmp_path: Path) -> None:
    """H129: at once, and not only after the next refresh."""
    machine = machine_with_file_store(tmp_path / "home")
    async with refreshing(machine) as process:
        process.kill()
        await process.wait()
        listing = await asyncio.create_subprocess_exec(
            *(*AUTHLENS, "list", "--json"), env=machine, stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await ended(listing)
    [found] = json.loads(answer)
    assert found["state"] == "refresh interrupted"
