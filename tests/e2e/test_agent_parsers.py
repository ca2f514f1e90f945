"""What `mcp-config` wrote, read by the agents themselves.

The three programs weigh most of a gigabyte, so they are not among the packages of the tests. To run this:
`npm install --prefix DIR @openai/codex opencode-ai @google/gemini-cli`, and AUTHLENS_AGENTS=DIR.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from support.child_process import ended
from support.verb_process import authlens, machine_in

AGENTS = os.environ.get("AUTHLENS_AGENTS", "")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not AGENTS, reason="AUTHLENS_AGENTS names no directory with the agents"),
]

URL = "https://wiki.example.invalid/mcp"


async def written(agent: str, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Write the configuration into a project; return the project and an environment for the agent."""
    machine = {**machine_in(tmp_path), "HOME": str(tmp_path / "user"), "NO_COLOR": "1"}
    machine["CODEX_HOME"] = str(tmp_path / "user" / ".codex")
    project = tmp_path / "project"
    project.mkdir()
    done = await authlens(machine, "mcp-config", agent, URL, "--name", "wiki", "--write", cwd=project)
    assert done.code == 0, done.words
    return project, machine


async def said(project: Path, machine: dict[str, str], *command: str) -> str:
    """Run an agent in the project and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(f"{AGENTS}/node_modules/.bin/{command[0]}", *command[1:]),
        cwd=project,
        env=machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, words = await ended(process, seconds=90)
    return (out + words).decode()


async def test_codex_reads_the_server(tmp_path: Path) -> None:
    """A server on standard input and output, enabled."""
    listed = await said(*await written("codex", tmp_path), "codex", "mcp", "list", "--json")
    (server,) = json.loads(listed[listed.index("[\n") : listed.rindex("]") + 1])
    assert (server["name"], server["enabled"]) == ("wiki", True)
    assert server["transport"]["args"][-2:] == ["mcp-bridge", URL]


async def test_gemini_reads_the_server(tmp_path: Path) -> None:
    """From the settings of the project."""
    listed = await said(*await written("gemini", tmp_path), "gemini", "mcp", "list")
    assert f"mcp-bridge {URL} (stdio)" in listed


async def test_opencode_starts_the_bridge_and_shows_the_command_for_the_login(tmp_path: Path) -> None:
    """The JSON-RPC error of the bridge reaches the user as it is."""
    listed = await said(*await written("opencode", tmp_path), "opencode", "mcp", "list")
    assert "wiki" in listed
    assert f"authlens login {URL}" in listed
