"""The coding agents that are known: the file each reads, and the form of a server in it.

Every form starts the bridge as a local server. Several agents ignore configured header fields when a server
answers OAuth discovery, and Access with Managed OAuth always does, so a URL would not do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from authlens_core.values.quick_dataclass import dataclass


class ConfigFormat(StrEnum):
    """How a file is written."""

    JSON = "json"
    TOML = "toml"


@dataclass(frozen=True, slots=True)
class Places:
    """Where files are looked for.

    Attributes:
        environ: variables that move an agent's directory.
    """

    project: Path
    home: Path
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent.

    Attributes:
        name: the word for it on the command line.
        file: returns the file that it reads.
        path: the keys that lead to its servers.
        entry: returns the form of a server that is started by a command.
    """

    name: str
    title: str
    file: Callable[[Places], Path]
    format: ConfigFormat
    path: tuple[str, ...]
    entry: Callable[[tuple[str, ...]], dict[str, Any]]


def _plain(command: tuple[str, ...]) -> dict[str, Any]:
    return {"command": command[0], "args": list(command[1:])}


def _typed(command: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "stdio", **_plain(command)}


def _opencode(command: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "local", "command": list(command), "enabled": True}


def _opencode_2(command: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "local", "command": list(command)}


def _codex_file(places: Places) -> Path:
    moved = places.environ.get("CODEX_HOME")
    return (Path(moved) if moved else places.home / ".codex") / "config.toml"


def _opencode_file(places: Places) -> Path:
    with_comments = places.project / "opencode.jsonc"
    # A link that leads nowhere is refused when it is read; the other file would not be the one that counts.
    return with_comments if os.path.lexists(with_comments) else places.project / "opencode.json"


_JSON: Final = ConfigFormat.JSON
AGENTS: Final[Mapping[str, Agent]] = {
    agent.name: agent
    for agent in (
        Agent(
            "claude-code", "Claude Code", lambda p: p.project / ".mcp.json", _JSON, ("mcpServers",), _typed
        ),
        Agent("codex", "Codex", _codex_file, ConfigFormat.TOML, ("mcp_servers",), _plain),
        Agent("vscode", "VS Code", lambda p: p.project / ".vscode" / "mcp.json", _JSON, ("servers",), _typed),
        Agent(
            "cursor", "Cursor", lambda p: p.project / ".cursor" / "mcp.json", _JSON, ("mcpServers",), _plain
        ),
        Agent(
            "windsurf",
            "Windsurf",
            lambda p: p.home / ".codeium" / "windsurf" / "mcp_config.json",
            _JSON,
            ("mcpServers",),
            _plain,
        ),
        Agent(
            "gemini",
            "Gemini CLI",
            lambda p: p.project / ".gemini" / "settings.json",
            _JSON,
            ("mcpServers",),
            _plain,
        ),
        Agent("opencode", "opencode 1", _opencode_file, _JSON, ("mcp",), _opencode),
        Agent("opencode-v2", "opencode 2", _opencode_file, _JSON, ("mcp", "servers"), _opencode_2),
    )
}
