"""MCP clients of others, through the bridge and through the proxy: none of them knows of a login."""

import asyncio
import json
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from support.mcp_tools_server import Bridged
from support.needs import needs_file, program
from support.server_process import ended
from support.verb_process import AUTHLENS, running
from support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
NODE_MODULES = Path(__file__).parent / "servers" / "node_modules"


def npm_program(name: str) -> str:
    program("node")
    needs_file(NODE_MODULES / ".bin" / name, "run `npm ci` in tests/e2e/servers")
    return str(NODE_MODULES / ".bin" / name)


async def test_the_clients_of_the_python_sdk_work_through_the_proxy(bridged: Bridged) -> None:
    """Both generations; the token ends in the middle, and that is one refresh."""
    async with running(bridged.machine, "proxy", bridged.server.resource) as proxy:
        for mode in ("legacy", "auto"):
            async with Client(proxy.first, mode=mode, read_timeout_seconds=PATIENCE) as client:
                before = (await bridged.control("POST"))["refreshes"]
                result = await client.call_tool("add", {"a": 2, "b": 3})
                assert result.structured_content == {"result": 5}
                assert (await bridged.control())["refreshes"] == before + 1


async def test_the_inspector_lists_the_tools_through_the_bridge(bridged: Bridged) -> None:
    """`@modelcontextprotocol/inspector-cli`, which `npx @modelcontextprotocol/inspector --cli` runs."""
    names = ("PYTHONPATH", "PYTHON_KEYRING_BACKEND", "FAKE_KEYRING", "AUTHLENS_HOME")
    given = [word for name in names for word in ("-e", f"{name}={bridged.machine[name]}")]
    process = await asyncio.create_subprocess_exec(
        *(npm_program("mcp-inspector-cli"), "--cli", *given),
        *(*AUTHLENS, "mcp-bridge", bridged.server.resource, "--method", "tools/list"),
        env=bridged.machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, words = await ended(process)
    assert process.returncode == 0, words.decode()
    assert "add" in {tool["name"] for tool in json.loads(out)["tools"]}


async def test_mcp_remote_through_the_proxy_attempts_no_login(bridged: Bridged, tmp_path: Path) -> None:
    """It registers no client, opens no browser and stores no token."""
    remote = npm_program("mcp-remote")
    stored = tmp_path / "mcp-remote"
    async with running(bridged.machine, "proxy", bridged.server.resource) as proxy:
        before = (await bridged.control())["clients"]
        started = StdioServerParameters(
            command=remote,
            args=[proxy.first, "--allow-http", "--transport", "http-only"],
            env={**bridged.machine, "MCP_REMOTE_CONFIG_DIR": str(stored)},
        )
        async with Client(stdio_client(started), mode="legacy", read_timeout_seconds=PATIENCE) as client:
            result = await client.call_tool("add", {"a": 2, "b": 3})
            assert result.structured_content == {"result": 5}
        assert (await bridged.control())["clients"] == before
    assert not [path for path in stored.rglob("*") if "token" in path.name or "client_info" in path.name]
