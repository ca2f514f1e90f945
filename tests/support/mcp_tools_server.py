"""The MCP server of `e2e/servers/mcp_tools.py`, and a machine that is logged in to it."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from support.server_process import ServerProcess, serve
from support.verb_process import AUTHLENS, authlens, machine_in, play_any_form

TESTS = Path(__file__).parents[1]
COMMAND = (sys.executable, str(TESTS / "e2e" / "servers" / "mcp_tools.py"), '{"events": true}')


@dataclass(frozen=True)
class Bridged:
    """A machine that is logged in, and the server."""

    machine: dict[str, str]
    server: ServerProcess

    async def control(self, method: str = "GET") -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.request(method, f"{self.server.issuer}/control")
            return dict(answer.json())

    @asynccontextmanager
    async def client(self, mode: Literal["legacy", "auto"] = "auto", **options: Any) -> AsyncIterator[Client]:
        """Connect the SDK's client to the bridge."""
        command, *arguments = AUTHLENS
        started = StdioServerParameters(
            command=command, args=[*arguments, "mcp-bridge", self.server.resource], env=self.machine
        )
        async with Client(stdio_client(started), mode=mode, read_timeout_seconds=30, **options) as client:
            yield client


@contextmanager
def mcp_tools(log: Path) -> Iterator[ServerProcess]:
    with serve(COMMAND, log, {**os.environ, "PYTHONPATH": str(TESTS)}) as running:
        yield running


async def bridged_in(directory: Path, server: ServerProcess) -> Bridged:
    """Return a machine with a login at the server."""
    machine = machine_in(directory)
    play_any_form(machine)
    done = await authlens(machine, "login", server.resource, "--port", "0")
    assert done.code == 0, done.words
    return Bridged(machine, server)
