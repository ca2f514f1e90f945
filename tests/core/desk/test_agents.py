"""A server of an agent: its name, its text and command, and what is refused."""

from __future__ import annotations

import json

import pytest

from authlens_core.desk.agents import AgentServer
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
