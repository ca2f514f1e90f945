"""The table of agents: where each looks on a platform, and what starts a server in its form."""

from __future__ import annotations

from pathlib import Path

import pytest

from authlens_core.gateway.agents.agent import AGENTS, Agent, ConfigFormat, Places
from authlens_core.gateway.agents.config_edit import GRAMMARS, rendered

COMMAND = ("authlens", "mcp-bridge", "https://wiki.example/mcp")
HOME, PROJECT = Path("/home/ada"), Path("/project")


def file(agent: str, platform: str, **environ: str) -> str | None:
    path = AGENTS[agent].file(Places(PROJECT, HOME, environ, platform))
    return None if path is None else path.as_posix()


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda one: one.name)
def test_every_agent_has_a_source_and_a_form_that_gives_its_command_back(agent: Agent) -> None:
    entry = agent.entry("wiki", COMMAND)
    assert agent.source.startswith("https://")
    assert agent.command(entry) == COMMAND
    assert "{" not in str([value for value in entry.values() if isinstance(value, str)])
    assert agent.files or agent.paste
    assert agent.format in GRAMMARS or agent.paste


@pytest.mark.parametrize("entry", [None, 3, {"command": 3}, {"args": [{}]}, {"url": "https://x.example"}])
def test_a_server_of_another_form_has_no_command_of_words(entry: object) -> None:
    assert all(isinstance(word, str) for word in AGENTS["cursor"].command(entry))


@pytest.mark.parametrize(
    ("agent", "platform", "environ", "path"),
    [
        ("claude-code", "linux", {}, "/project/.mcp.json"),
        (
            "claude-desktop",
            "darwin",
            {},
            "/home/ada/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "win32", {"APPDATA": "/roaming"}, "/roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", {}, None),
        ("claude-desktop", "win32", {}, None),
        ("codex", "linux", {}, "/home/ada/.codex/config.toml"),
        ("codex", "win32", {"CODEX_HOME": "/codex"}, "/codex/config.toml"),
        ("goose", "win32", {"APPDATA": "/roaming"}, "/roaming/Block/goose/config/config.yaml"),
        ("zed", "linux", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/zed/settings.json"),
        ("zed", "darwin", {"XDG_CONFIG_HOME": "/xdg"}, "/home/ada/.config/zed/settings.json"),
        ("cline", "linux", {"CLINE_DIR": "/cline"}, "/cline/data/settings/cline_mcp_settings.json"),
        ("jetbrains", "linux", {}, None),
    ],
)
def test_the_file_is_the_one_of_the_platform_and_its_variables(
    agent: str, platform: str, environ: dict[str, str], path: str | None
) -> None:
    assert file(agent, platform, **environ) == path


def test_of_two_names_the_file_that_exists_is_taken(tmp_path: Path) -> None:
    """Amp reads settings.json first, opencode opencode.jsonc."""
    places = Places(tmp_path, tmp_path, {}, "linux")
    assert AGENTS["amp"].file(places) == tmp_path / ".config/amp/settings.json"
    (tmp_path / ".config" / "amp").mkdir(parents=True)
    (tmp_path / ".config" / "amp" / "settings.jsonc").touch()
    assert AGENTS["amp"].file(places) == tmp_path / ".config/amp/settings.jsonc"
    assert AGENTS["opencode"].file(places) == tmp_path / "opencode.json"
    (tmp_path / "opencode.jsonc").touch()
    assert AGENTS["opencode"].file(places) == tmp_path / "opencode.jsonc"


def test_a_server_for_a_file_that_is_not_edited_is_printed_as_yaml() -> None:
    """The name of the server may be a number for YAML, so it is in quotes."""
    goose = AGENTS["goose"]
    assert goose.format is ConfigFormat.YAML
    assert rendered(goose, "443", goose.entry("443", COMMAND)) == (
        "extensions:\n"
        '  "443":\n'
        '    type: "stdio"\n'
        '    name: "443"\n'
        "    enabled: true\n"
        '    cmd: "authlens"\n'
        '    args: ["mcp-bridge", "https://wiki.example/mcp"]\n'
        "    timeout: 300\n"
    )
