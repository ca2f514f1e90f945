"""Tokens that are bound to a key, through every verb that sends or hands out one (RFC 9449)."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.needs import program
from support.verb_process import authlens, emulated, log_in, machine_in, process_table, running
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    return machine_in(tmp_path)


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """An MCP server that takes bound tokens only, with its own nonce in each proof."""
    faults = ("--fault", "dpop-nonce", "--fault", "dpop-required")
    async with emulated("--profile", "mcp", *faults, "--token-lifetime", "900") as url:
        yield url


async def test_headers_are_good_for_one_request_and_say_so(machine: dict[str, str], server: str) -> None:
    await log_in(machine, server)
    done = await authlens(machine, "headers", server, "--method", "POST")
    fields = json.loads(done.answer)
    assert set(fields) == {"Authorization", "DPoP"}
    assert "these fields are for one POST request" in done.words
    async with httpx.AsyncClient(trust_env=False) as http:
        sent = [await http.post(server, content=CALL, headers=json_fields(fields)) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [200, 401]


def json_fields(fields: dict[str, str]) -> dict[str, str]:
    return {**fields, "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


async def test_curl_signs_for_its_own_method_and_no_argument_holds_a_secret(
    machine: dict[str, str], server: str
) -> None:
    program("curl")
    await log_in(machine, server)
    async with process_table() as table:
        accept = "Accept: application/json, text/event-stream"
        options = ("-s", "-H", "Content-Type: application/json", "-H", accept)
        done = await authlens(machine, "curl", server, "--", *options, "-d", CALL)
    assert json.loads(done.answer)["result"]["tools"]
    keyring = Path(machine["FAKE_KEYRING"]).read_text()
    secrets = re.findall(r'"(?:access_token|d)\\*": \\*"([^"\\]{20,})', keyring)
    assert len(secrets) >= 2, "a token and a private key"
    assert not [secret for secret in secrets if secret.encode() in b"".join(table)]


async def test_a_token_alone_comes_with_a_warning(machine: dict[str, str], server: str) -> None:
    await log_in(machine, server)
    done = await authlens(machine, "token", server)
    assert done.code == 0
    assert done.answer.strip()
    assert "each request needs a proof" in done.words


async def test_a_program_that_cannot_sign_gets_no_token(machine: dict[str, str], server: str) -> None:
    await log_in(machine, server)
    done = await authlens(machine, "run", server, "--", "env")
    assert (done.code, done.answer) == (2, "")
    assert f"authlens proxy {server}" in done.words


async def test_the_proxy_signs_each_request_and_renews_the_token(machine: dict[str, str]) -> None:
    """Without the client's own DPoP field; the nonce is asked for once."""
    async with emulated("--profile", "generic", "--fault", "dpop-nonce", "--token-lifetime", "3") as url:
        await log_in(machine, url)
        async with (
            running(machine, "proxy", url) as proxy,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
        ):
            for _ in range(3):
                answer = await client.get(proxy.first, headers={"DPoP": "mine"})
                assert (answer.status_code, answer.json()["message"]) == (200, "Welcome, ada@example.com")
                await asyncio.sleep(1.6)


async def test_the_bridge_signs_each_message(machine: dict[str, str], server: str) -> None:
    await log_in(machine, server)
    call = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": call},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}},
    ]
    typed = "".join(f"{json.dumps(message)}\n" for message in messages)
    done = await authlens(machine, "mcp-bridge", server, typed=typed)
    answers = {one["id"]: one for one in map(json.loads, done.answer.splitlines()) if "id" in one}
    assert answers[2]["result"]["content"][0]["text"] == "ada@example.com"


async def test_refresh_and_revocation_carry_a_proof(machine: dict[str, str], server: str) -> None:
    await log_in(machine, server)
    assert (await authlens(machine, "refresh", server)).code == 0
    assert (await authlens(machine, "probe", "--kept", server)).code == 0
    revoked = await authlens(machine, "revoke", server)
    assert revoked.code == 0, revoked.words
