"""`authlens proxy` as a process, between ordinary HTTP clients and the emulator."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.needs import program, stop
from support.server_process import ended
from support.verb_process import authlens, emulated, log_in, machine_in, process_table, running, secrets_in
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    return machine_in(tmp_path)


@pytest.fixture
async def resource() -> AsyncIterator[str]:
    async with emulated("--token-lifetime", "3") as url:
        yield url


async def test_a_client_without_a_login_reads_the_resource_while_tokens_expire(
    machine: dict[str, str], resource: str
) -> None:
    """The first line is the URL; no child and no argument holds a token; the status has no secret."""
    await log_in(machine, resource)
    async with (
        process_table() as table,
        running(machine, "proxy", resource) as proxy,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
    ):
        for _ in range(3):
            answer = await client.get(proxy.first)
            assert (answer.status_code, answer.json()["message"]) == (200, "Welcome, ada@example.com")
            await asyncio.sleep(1.6)
        origin = httpx.URL(proxy.first).copy_with(path="/.well-known/oauth-protected-resource")
        assert (await client.get(origin)).status_code == 404
        assert (await client.get(proxy.first, headers={"Host": "evil.example"})).status_code == 421
        proxy.process.terminate()
        out, words = await proxy.process.communicate()
    assert (proxy.process.returncode, out) == (143, b"")
    assert b"requests 3" in words
    tokens = secrets_in(machine)
    assert tokens
    assert not [token for token in tokens if token.encode() in b"".join(table) + words]


async def test_another_account_that_knows_the_printed_url_is_refused(
    machine: dict[str, str], resource: str
) -> None:
    """H374: it is in the arguments of a client, which every account may read."""
    if os.geteuid() != 0:
        stop("only root can run a program as another account")
    other = (program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups")
    await log_in(machine, resource)
    async with running(machine, "proxy", resource) as proxy:
        for account, expected in ((other, b"other_account"), ((), b"Welcome, ada@example.com")):
            asked = await asyncio.create_subprocess_exec(
                *(*account, program("curl"), "-sS", proxy.first), stdout=asyncio.subprocess.PIPE
            )
            assert expected in (await ended(asked))[0]


async def test_a_unix_socket_is_for_this_account_alone_and_is_gone_afterwards(
    machine: dict[str, str], resource: str, tmp_path: Path
) -> None:
    """As `curl --unix-socket` and VS Code use it."""
    curl, path = program("curl"), tmp_path / "p.sock"
    await log_in(machine, resource)
    async with running(machine, "proxy", resource, "--socket", str(path)) as proxy:
        assert proxy.first == f"unix://{path}#/"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        asked = await asyncio.create_subprocess_exec(
            *(curl, "-sS", "--unix-socket", str(path), "http://any/page"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await ended(asked)
        assert b"Welcome, ada@example.com" in out
        second = await authlens(machine, "proxy", resource, "--socket", str(path))
        assert second.code == 2
        assert "listens on" in second.words
    assert not path.exists()


async def test_without_a_login_it_ends_at_once_and_names_the_command(
    machine: dict[str, str], resource: str
) -> None:
    """An agent that starts it is told what a person has to do."""
    done = await authlens(machine, "proxy", resource)
    assert (done.code, done.answer) == (4, "")
    assert f"authlens login {resource}" in done.words


async def test_a_port_that_is_in_use_is_a_usage_error(machine: dict[str, str], resource: str) -> None:
    await log_in(machine, resource)
    taken = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    async with taken:
        done = await authlens(machine, "proxy", resource, "--port", str(port))
    assert done.code == 2
    assert str(port) in done.words
