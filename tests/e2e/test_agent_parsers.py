"""What `mcp-config` prints, used by the agents themselves: every one that a package registry has.

The programs weigh 1.5 GB, so the gate does not install them. To run this: `npm ci --ignore-scripts` in
`tests/e2e/agents`. None of them needs an account or a network for it.
"""

import asyncio
import json
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from authlens_core.desk.agents import AGENTS, Agent
from support.server_process import ended
from support.verb_process import AUTHLENS, authlens, machine_in

MODULES: Final = Path(__file__).parent / "agents" / "node_modules"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(not MODULES.exists(), reason="run `npm ci --ignore-scripts` in tests/e2e/agents"),
]

URL: Final = "https://wiki.example.invalid/mcp"
NAME: Final = "wiki-example-invalid-mcp"
MARK: Final = "\ufeff"  # editors on Windows put it at the beginning of a file
CODEX: Final = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"
CONTINUE: Final = """
import { converMcpServersJsonConfigFileToYamlBlocks, claudeDesktopLikeConfigFileSchema } from
  "@continuedev/config-yaml";
import { readFileSync } from "node:fs";
const file = JSON.parse(readFileSync(process.argv[1], "utf-8"));
const parsed = claudeDesktopLikeConfigFileSchema.parse(file);
console.log(JSON.stringify(converMcpServersJsonConfigFileToYamlBlocks(parsed)));
"""


@dataclass(frozen=True)
class Reader:
    """What reads the file of an agent.

    Attributes:
        command: a program below `MODULES`, or one of the machine, and its arguments; FILE is the file.
        shows: what it prints of the server.
        mark: what the file may begin with, as the agent reads it.
    """

    command: tuple[str, ...]
    shows: str
    mark: str = ""


PROGRAMS: Final = {
    "claude": "@anthropic-ai/claude-code-linux-x64/claude",
    "codex": CODEX,
    "gemini": ".bin/gemini",
    "opencode": "opencode-linux-x64/bin/opencode",
    "copilot": "@github/copilot-linux-x64/copilot",
    "cline": "@cline/cli-linux-x64/bin/cline",
    "amp": "@ampcode/cli-linux-x64/amp",
}
READERS: Final = {
    "claude-code": Reader(
        ("@anthropic-ai/claude-code-linux-x64/claude", "mcp", "list"), f"mcp-bridge {URL} - ", MARK
    ),
    "codex": Reader((CODEX, "mcp", "list"), f"mcp-bridge {URL}", MARK),
    "gemini": Reader((".bin/gemini", "mcp", "list"), f"mcp-bridge {URL} (stdio)"),
    # The bridge itself is started, and its JSON-RPC error reaches the user as it is.
    "opencode": Reader(("opencode-linux-x64/bin/opencode", "mcp", "list"), f"authlens login {URL}", MARK),
    "copilot-cli": Reader(
        ("@github/copilot-linux-x64/copilot", "mcp", "get", NAME), f"mcp-bridge {URL}", MARK
    ),
    "cline": Reader(
        ("@cline/cli-linux-x64/bin/cline", "config", "mcp", "--json"), f'"{NAME}","transportType":"stdio"'
    ),
    "amp": Reader(("@ampcode/cli-linux-x64/amp", "mcp", "list"), f"mcp-bridge {URL}"),
    "continue": Reader(("node", "--input-type=module", "-e", CONTINUE, "FILE"), f'["mcp-bridge","{URL}"]'),
}


async def said(folder: Path, machine: dict[str, str], command: tuple[str, ...]) -> str:
    """Run a program and return what it printed."""
    path = MODULES / command[0]
    process = await asyncio.create_subprocess_exec(
        *(str(path) if path.exists() else shutil.which(command[0]) or command[0], *command[1:]),
        cwd=folder,
        env=machine,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, words = await ended(process, seconds=90)
    return (out + words).decode()


def place(agent: Agent, project: Path, machine: dict[str, str]) -> Path:
    """Return the file that the agent reads, with its directory."""
    root, _, rest = agent.files_with(machine, "linux")[-1].partition("/")
    roots = {"~": machine["HOME"], ".": str(project)}
    path = Path(roots.get(root) or machine[root[1:]], rest)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A machine with `authlens` and the agents on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "authlens").write_text(f'#!/bin/sh\nexec {shlex.join(AUTHLENS)} "$@"\n')
    (programs / "authlens").chmod(0o700)
    for name, path in PROGRAMS.items():
        (programs / name).symlink_to(MODULES / path)
    home = tmp_path / "user"
    home.mkdir(exist_ok=True)
    made = {**machine_in(tmp_path), "HOME": str(home), "NO_COLOR": "1", "CI": "1"}
    return {**made, "PATH": f"{programs}{os.pathsep}{made['PATH']}"}


async def shown_by(name: str, machine: dict[str, str], project: Path) -> str:
    """Return what the agent prints of its servers."""
    agent, reader = AGENTS[name], READERS[name]
    file = place(agent, project, machine)
    command = tuple(str(file) if word == "FILE" else word for word in reader.command)
    return await said(MODULES.parent if name == "continue" else project, machine, command)


@pytest.mark.parametrize("name", READERS)
async def test_the_agent_reads_the_entry_that_was_printed(
    name: str, tmp_path: Path, machine: dict[str, str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    printed = await authlens(machine, "mcp-config", name, URL, cwd=project)
    assert printed.code == 0, printed.words
    place(AGENTS[name], project, machine).write_text(READERS[name].mark + printed.answer, "utf-8")
    assert READERS[name].shows in await shown_by(name, machine, project)


@pytest.mark.parametrize("name", [name for name in READERS if AGENTS[name].add])
async def test_the_command_that_is_shown_adds_the_server(
    name: str, tmp_path: Path, machine: dict[str, str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    printed = await authlens(machine, "mcp-config", name, URL, cwd=project)
    command = printed.words.partition("→ Run: ")[2].splitlines()[0]
    added = await said(project, machine, ("/bin/sh", "-c", command))
    assert READERS[name].shows in await shown_by(name, machine, project), added


async def test_what_is_pasted_into_goose_is_yaml(tmp_path: Path) -> None:
    """No registry has Goose; the library that reads its file is one of many for YAML."""
    printed = await authlens(machine_in(tmp_path), "mcp-config", "goose", URL, cwd=tmp_path)
    (tmp_path / "config.yaml").write_text(printed.answer)
    script = 'import { parse } from "yaml"; import { readFileSync } from "node:fs";'
    script += "console.log(JSON.stringify(parse(readFileSync(process.argv[1], 'utf-8'))));"
    command = ("node", "--input-type=module", "-e", script, str(tmp_path / "config.yaml"))
    server = json.loads(await said(MODULES.parent, machine_in(tmp_path), command))["extensions"][NAME]
    assert (server["type"], server["enabled"], server["args"]) == ("stdio", True, ["mcp-bridge", URL])
