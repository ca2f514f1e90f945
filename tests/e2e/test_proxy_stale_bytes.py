"""`authlens proxy` as a process, two clients, and a resource that sends more than was asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from authlens_core.credentials.records.grant import GrantSecrets, utc_now
from authlens_core.credentials.store.keyring_store import KeyringStore
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.values.secret import Secret
from support.grants import grant
from support.hostile_server import answer, hostile_server
from support.stale_bytes import CASES, Case, Moments, first_connection, turns
from support.verb_process import machine_in, running
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e


async def logged_in(directory: Path, url: str) -> dict[str, str]:
    """Return a machine with a token for the resource."""
    machine = machine_in(directory)
    credentials = Credentials.open(KeyringStore(environ=machine), Path(machine["AUTHLENS_HOME"]))
    now = utc_now()
    stored = replace(
        grant(),
        resource_url=url,
        resource=url,
        obtained_at=now,
        refreshed_at=now,
        expires_at=now + timedelta(hours=1),
    )
    await credentials.save(stored, GrantSecrets(Secret("canary-of-the-proxy")))
    await credentials.aclose()
    return machine


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_the_resource_sends_too_much_is_not_the_answer_to_the_next_client(
    case: Case, tmp_path: Path
) -> None:
    """H390."""
    moments, later = Moments(), answer(body=b"for the second client")
    async with hostile_server(*first_connection(case, moments), later=later) as server:
        machine = await logged_in(tmp_path, server.url)
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
    assert b"Authorization: Bearer canary-of-the-proxy" in server.requests[1]
