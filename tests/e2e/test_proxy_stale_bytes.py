"""`authlens proxy` as a process, two clients, and a resource that sends more than was asked for."""

import asyncio
from pathlib import Path

import httpx
import pytest

from support.grants import save_login
from support.hostile_server import answer, hostile_server
from support.verb_process import machine_in, running
from support.waiting import PATIENCE
from wild.stale_bytes import CASES, Case, Moments, first_connection, turns

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_the_resource_sends_too_much_is_not_the_answer_to_the_next_client(
    case: Case, tmp_path: Path
) -> None:
    """H390."""
    moments, later = Moments(), answer(body=b"for the second client")
    async with hostile_server(*first_connection(case, moments), later=later) as server:
        machine = machine_in(tmp_path)
        await save_login(machine, server.url)
        async with (
            running(machine, "proxy", server.url) as proxy,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as first,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as second,
            asyncio.timeout(PATIENCE),
        ):
            assert (await first.get(proxy.first)).content == case.body
            moments.idle.set()
            await moments.sent.wait()
            await turns()
            assert (await second.get(proxy.first)).content == b"for the second client"
    assert server.connections == 2
    assert b"Authorization: Bearer canary" in server.requests[1]
