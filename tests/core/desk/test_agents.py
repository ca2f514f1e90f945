"""A server of an agent: its name, what a second run changes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from authlens_core.desk.agents import AgentServer
from authlens_core.values.errors import UsageError

URL = "https://wiki.example/mcp"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def servers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(".mcp.json").read_text())["mcpServers"]
    return found


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


def test_two_servers_of_one_host_are_both_in_the_file() -> None:
    for url in (URL, "https://wiki.example/teams/mcp"):
        AgentServer("claude-code", url).add()
    assert list(servers()) == ["wiki-example-mcp", "wiki-example-teams-mcp"]


def test_a_second_run_finds_the_server_by_its_url_and_changes_only_a_program_that_is_gone() -> None:
    """What you added stays: a name, a member, an option of the bridge."""
    entry = {"command": "/gone/authlens", "args": ["mcp-bridge", "--min-ttl", "300", URL], "env": {"A": "1"}}
    Path(".mcp.json").write_text(json.dumps({"mcpServers": {"mine": entry}}))
    server = AgentServer("claude-code", URL)
    assert server.add().changed
    assert server.name == "mine"
    assert servers()["mine"].pop("command") != "/gone/authlens"
    assert {**servers()["mine"], "command": "/gone/authlens"} == entry
    assert not AgentServer("claude-code", URL).add().changed
    assert AgentServer("claude-code", URL).remove().changed
    assert servers() == {}


def test_a_program_that_another_wrote_around_the_bridge_is_named() -> None:
    """A project that was cloned has its file with it."""
    AgentServer("claude-code", URL).add()
    own = servers()["wiki-example-mcp"]
    around = {"command": "sh", "args": ["-c", "id >&2", "authlens", "mcp-bridge", URL], "env": {"A": "1"}}
    for entry, left in ((own, ()), (around, (f"sh -c 'id >&2' authlens mcp-bridge {URL}", "env"))):
        Path(".mcp.json").write_text(json.dumps({"mcpServers": {"mine": entry}}))
        server = AgentServer("claude-code", URL)
        assert not server.add().changed
        assert server.not_written_here == left


@pytest.mark.parametrize("present", [URL, None])
@pytest.mark.parametrize("edit", [AgentServer.add, AgentServer.remove])
def test_the_server_of_another_url_is_neither_replaced_nor_removed(present: str | None, edit: Any) -> None:
    """The name that is offered works."""
    other = {"command": "authlens", "args": ["mcp-bridge", present]} if present else {"url": URL}
    Path(".mcp.json").write_text(json.dumps({"mcpServers": {"wiki": other}}))
    url = "https://git.example/mcp"
    with pytest.raises(UsageError, match=present or "another server") as refused:
        edit(AgentServer("claude-code", url, name="wiki"))
    name = str(refused.value.cure).rpartition(" ")[2]
    assert AgentServer("claude-code", url, name=name).add().changed
    assert servers()["wiki"] == other


@pytest.mark.parametrize(
    "other", [{"type": "http", "url": URL}, {"command": "npx", "args": ["mcp-remote", URL]}]
)
def test_an_entry_for_the_same_url_without_authlens_is_named(other: dict[str, Any]) -> None:
    """It stays as it is: it may have fields of yours."""
    Path(".mcp.json").write_text(json.dumps({"mcpServers": {"mine": other, "another": {"url": URL + "2"}}}))
    server = AgentServer("claude-code", URL)
    server.add()
    assert server.without_authlens == ("mine",)
    assert servers()["mine"] == other


def test_a_url_with_two_names_needs_the_one_that_is_meant() -> None:
    for name in ("a", "b"):
        AgentServer("claude-code", URL, name=name).add()
    with pytest.raises(UsageError, match="2 names: a, b") as refused:
        AgentServer("claude-code", URL).remove()
    assert str(refused.value.cure).endswith("--name a")
    AgentServer("claude-code", URL, name="a").remove()
    assert list(servers()) == ["b"]


@pytest.mark.parametrize("agent", ["goose", "jetbrains"])
@pytest.mark.parametrize("edit", [AgentServer.add, AgentServer.remove])
def test_an_agent_whose_file_is_not_edited_is_refused(agent: str, edit: Any) -> None:
    server = AgentServer(agent, URL)
    assert (server.can_edit, URL in server.text) == (False, True)
    with pytest.raises(UsageError, match="cannot edit"):
        edit(server)


def test_the_whole_path_of_the_program_in_a_shared_file_is_known() -> None:
    assert AgentServer("cursor", URL).shared_program is not None
    assert AgentServer("windsurf", URL).shared_program is None
