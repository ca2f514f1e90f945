"""The completion scripts in the shells that they are for."""

import asyncio
from pathlib import Path

import pytest

from support.needs import program
from support.server_process import ended
from support.verb_process import authlens, machine_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
AGENTS = {"claude-code", "codex", "vscode", "cursor", "windsurf", "gemini", "opencode", "opencode-v2"}
BASH = """\
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_shtab_authlens
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "source $argv[1]; complete -C $argv[2]"


async def completed(shell: str, words: str, directory: Path) -> set[str]:
    """Return what a shell offers for the last of the words."""
    found, script = program(shell), directory / "script"
    script.write_text((await authlens(machine_in(directory), "completion", shell)).answer)
    command = {
        "bash": (found, "-c", BASH, "bash", str(script), *words.split(" ")),
        "fish": (found, "--no-config", "-c", FISH, str(script), words),
    }[shell]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await ended(process)
    return {line.split("\t")[0] for line in out.decode().splitlines() if line}


@pytest.mark.parametrize("shell", ["bash", "fish"])
async def test_verbs_options_and_values_are_completed(shell: str, tmp_path: Path) -> None:
    assert await completed(shell, "authlens mcp-", tmp_path) == {"mcp-bridge", "mcp-config"}
    assert await completed(shell, "authlens mcp-config ", tmp_path) >= AGENTS
    assert "--redirect-host" in await completed(shell, "authlens login --redirect-h", tmp_path)
    assert await completed(shell, "authlens headers --format ", tmp_path) >= {"json", "lines"}


async def test_zsh_can_read_its_script(tmp_path: Path) -> None:
    """It is registered by `eval` and from a directory of functions alike."""
    script = tmp_path / "_authlens"
    script.write_text((await authlens(machine_in(tmp_path), "completion", "zsh")).answer)
    asked = 'autoload -Uz compinit; compinit -u -D; eval "$(<$1)"; print $_comps[authlens]'
    process = await asyncio.create_subprocess_exec(
        *(program("zsh"), "-f", "-c", asked, "zsh", str(script)), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await ended(process)
    assert out.decode().strip() == "_shtab_authlens"
    assert script.read_text().startswith("#compdef authlens\n")
