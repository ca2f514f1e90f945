"""The table of agents: the files of each on a platform, and what starts a server in its form."""

from __future__ import annotations

import json
import tomllib

import pytest

from authlens_core.desk.agents import AGENTS, Agent, ConfigFormat

COMMAND = ("authlens", "mcp-bridge", "https://wiki.example/mcp")


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda one: one.name)
def test_every_agent_has_a_source_and_a_form_that_holds_the_command(agent: Agent) -> None:
    entry = agent.entry("wiki", COMMAND)
    assert agent.source.startswith("https://")
    assert {"authlens", COMMAND, *COMMAND[1:]} & set(map(str, entry.values())) or list(
        COMMAND
    ) in entry.values()
    assert "{" not in str([value for value in entry.values() if isinstance(value, str)])
    assert agent.files or agent.paste


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda one: one.name)
def test_the_text_is_read_back_as_the_entry_below_its_keys(agent: Agent) -> None:
    entry = agent.entry("wiki", ('/opt/"ü" \\x/authlens', *COMMAND[1:]))
    text = agent.text("wiki", entry)
    if agent.format is ConfigFormat.YAML:
        return
    read = json.loads(text) if agent.format is ConfigFormat.JSON else tomllib.loads(text)
    for key in (*agent.path, "wiki"):
        read = read[key]
    assert read == entry


@pytest.mark.parametrize(
    ("agent", "platform", "environ", "files"),
    [
        ("claude-code", "linux", {}, ["./.mcp.json"]),
        ("claude-desktop", "win32", {"APPDATA": "C:/r"}, ["$APPDATA/Claude/claude_desktop_config.json"]),
        ("claude-desktop", "linux", {}, []),
        ("claude-desktop", "win32", {}, []),
        ("codex", "linux", {}, ["~/.codex/config.toml"]),
        ("codex", "win32", {"CODEX_HOME": "/codex"}, ["$CODEX_HOME/config.toml"]),
        ("zed", "linux", {"XDG_CONFIG_HOME": "/xdg"}, ["$XDG_CONFIG_HOME/zed/settings.json"]),
        ("zed", "darwin", {"XDG_CONFIG_HOME": "/xdg"}, ["~/.config/zed/settings.json"]),
        ("opencode", "linux", {}, ["./opencode.jsonc", "./opencode.json"]),
        ("jetbrains", "linux", {}, []),
    ],
)
def test_the_files_are_those_of_the_platform_and_its_variables(
    agent: str, platform: str, environ: dict[str, str], files: list[str]
) -> None:
    assert list(AGENTS[agent].files_with(environ, platform)) == files


def test_yaml_has_the_name_of_the_server_in_quotes() -> None:
    """It may be a number for YAML."""
    goose = AGENTS["goose"]
    assert goose.text("443", goose.entry("443", COMMAND)) == (
        "extensions:\n"
        '  "443":\n'
        '    type: "stdio"\n'
        '    name: "443"\n'
        "    enabled: true\n"
        '    cmd: "authlens"\n'
        '    args: ["mcp-bridge", "https://wiki.example/mcp"]\n'
        "    timeout: 300\n"
    )


@pytest.mark.parametrize(
    ("agent", "command"),
    [
        ("claude-code", ["claude", "mcp", "add", "wiki", "--", *COMMAND]),
        ("gemini", ["gemini", "mcp", "add", "wiki", *COMMAND]),
        ("cursor", []),
        (
            "vscode",
            [
                "code",
                "--add-mcp",
                json.dumps({"name": "wiki", "command": COMMAND[0], "args": list(COMMAND[1:])}),
            ],
        ),
    ],
)
def test_the_own_command_of_an_agent_adds_the_same_server(agent: str, command: list[str]) -> None:
    assert list(AGENTS[agent].add_command("wiki", COMMAND)) == command
