"""Agents: name, text and command of a server, and the files of each agent on a platform."""

import json
import tomllib

import pytest

from authlens_core.desk.agents import AGENTS, Agent, AgentServer, ConfigFormat
from authlens_core.values.errors import UsageError

URL = "https://wiki.example/mcp"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (URL, "wiki-example-mcp"),
        ("https://wiki.example/", "wiki-example"),
        ("http://127.0.0.1:9000/a/mcp?x=secret", "127-0-0-1-9000-a-mcp"),
    ],
)
def test_a_name_is_made_of_the_host_and_the_path(url: str, name: str) -> None:
    assert AgentServer("cursor", url).name == name


@pytest.mark.parametrize(
    "url", ["--help", "", "wiki.example/mcp", "https://wiki.example/mcp\n--x", "https://ada@wiki.example/"]
)
def test_what_is_not_a_url_is_refused_and_not_written(url: str) -> None:
    with pytest.raises(UsageError, match="cannot be used"):
        AgentServer("claude-code", url)


def test_no_agent_expands_a_variable_in_the_url() -> None:
    """Gemini CLI and others replace `$NAME` by the environment's value, and would send it to the server."""
    text = AgentServer("gemini", "https://wiki.example/$GITHUB_TOKEN/mcp").text
    assert "https://wiki.example/%24GITHUB_TOKEN/mcp" in text
    assert "$" not in text


def test_long_urls_that_begin_alike_have_different_names() -> None:
    """Agents put the name of a tool behind it."""
    long = "https://a-long-name.of-a-host.example/with/a/long/path"
    names = {AgentServer("cursor", f"{long}/{end}").name for end in "ab"}
    assert len(names) == 2
    assert max(map(len, names)) <= 40


@pytest.mark.parametrize("name", ["", "--scope", "a b", "é", "a" * 65])
def test_a_name_that_an_agent_would_read_otherwise_is_refused(name: str) -> None:
    """Its own command would take `--scope` for an option."""
    with pytest.raises(UsageError, match="cannot be the name of a server"):
        AgentServer("claude-code", URL, name=name)


def test_the_server_is_in_the_text_and_in_the_command() -> None:
    server = AgentServer("claude-code", URL)
    entry = json.loads(server.text)["mcpServers"]["wiki-example-mcp"]
    assert entry["args"][-2:] == ["mcp-bridge", URL]
    assert server.command[:4] == ("claude", "mcp", "add", server.name)
    assert server.command[-2:] == ("mcp-bridge", URL)
    assert AgentServer("jetbrains", URL).command == ()


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
