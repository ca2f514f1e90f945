"""`authlens proxy` as a process, and paths that servers read in different ways, sent as raw bytes."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from support.grants import save_login
from support.verb_process import machine_in, running
from support.waiting import PATIENCE

pytestmark = pytest.mark.e2e
CORPUS = Path(__file__).parents[1] / "core" / "credentials" / "records" / "path_confusions.toml"


class Resource:
    """A server that answers everything and notes every byte that it got."""

    def __init__(self) -> None:
        self.got = bytearray()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.got += await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


async def ask(proxy: str, path: str) -> bytes:
    """Send a request for `path` as it is; return the first line of the answer."""
    host, _, secret = proxy.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    target = f"/{secret.partition('/')[0]}{path}"
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return answer.partition(b"\r\n")[0]


async def test_the_credential_of_a_path_goes_to_no_ambiguous_one(tmp_path: Path) -> None:
    """H322: with the credential for /app, as any client of the proxy may send them."""
    machine, resource = machine_in(tmp_path), Resource()
    server = await asyncio.start_server(resource.answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/app"
    await save_login(machine, url)
    confusions = tomllib.loads(CORPUS.read_text("utf-8"))["confusion"]
    async with server, running(machine, "proxy", url) as proxy:
        assert b" 200 " in await ask(proxy.first, "/app/a%20b;v=1")
        assert b"Bearer canary" in resource.got
        assert b" 200 " in await ask(proxy.first, "/app/@scope%2fname")
        assert b"GET /app/@scope%2fname HTTP/1.1\r\n" in resource.got
        resource.got.clear()
        for path in (entry["path"] for entry in confusions):
            assert b" 200 " not in await ask(proxy.first, path), path
        assert not resource.got
