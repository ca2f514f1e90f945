"""Editing an agent's file: comments and formatting stay, and writing and removing leaves the same bytes."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlens_core.agents.agent import AGENTS, Agent, Places
from authlens_core.agents.config_edit import ConfigFile
from authlens_core.agents.json_edit import member_at, with_member, without_member
from authlens_core.agents.json_spans import JsonSpanError, parse_spans
from authlens_core.agents.toml_edit import TomlEditError, table_at, with_table, without_table
from authlens_core.state.confined_path import UserFile
from authlens_core.state.user_file import BACKUP_SUFFIX
from authlens_core.values.errors import UsageError

ENTRY = {"command": "authlens", "args": ["mcp-bridge", "https://wiki.example/mcp"]}
PATH = ("mcpServers", "wiki")

JSON_FILES = [
    "",
    "{}",
    "{ }",
    "{\n}\n",
    '{"mcpServers": {}}',
    '{"mcpServers": {\n}}\n',
    '{\n  "mcpServers": {}\n}\n',
    '{"mcpServers": {"a": {"url": "x"}}}',
    '{\n\t"mcpServers": {\n\t\t"a": {"url": "x"}\n\t}\n}\n',
    '{\n    // mine\n    "theme": "dark", /* yes */\n}\n',
    '{\n  "mcpServers": {\n    "a": {}, // last\n  },\n  "z": [1, 2,],\n}',
    '{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n',
    '\ufeff{"a": "// no comment", "b": "/* neither */"}',
    '// head\n{"a": 1} // tail\n',
    "{ /* nothing yet */ }",
]


@pytest.mark.parametrize("text", JSON_FILES)
def test_write_and_remove_leave_the_same_bytes_in_json(text: str) -> None:
    """And between the two the server is there and everything else is, too."""
    written = with_member(text, PATH, ENTRY)
    assert member_at(written, PATH) == ENTRY
    before = parse_spans(text).value if text else {}
    for name, value in before.items():
        if name != "mcpServers":
            assert parse_spans(written).value[name] == value
    assert without_member(written, PATH) == text


@pytest.mark.parametrize("comma", ["", ","])
@pytest.mark.parametrize("comment", [" // of a", "  /* of a */"])
def test_a_comment_stays_on_the_line_of_its_server(comma: str, comment: str) -> None:
    """What is added comes after it."""
    text = f'{{\n  "mcpServers": {{\n    "a": {{}}{comma}{comment}\n  }}\n}}\n'
    written = with_member(text, PATH, ENTRY)
    assert f'    "a": {{}},{comment}\n    "wiki": {{' in written
    assert without_member(written, PATH) == text


SPACES = st.sampled_from(["", " ", "\n", "\n  ", " // c\n", "/* c */", "/* c */\n", "\r\n"])
NAMES = st.sampled_from(["mcpServers", "wiki", "a", "b", "c"])
SCALARS = st.sampled_from(["1", '"x"', "true", "null", "[1, 2]", '"// x"'])


@st.composite
def objects(draw: Any, depth: int = 0) -> str:
    """Return the text of an object with spaces, comments and trailing commas anywhere."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    parts = []
    for name in names:
        nested = depth < 2 and (name == "mcpServers" or draw(st.booleans()))
        value = draw(objects(depth + 1)) if nested else draw(SCALARS)
        if name == "mcpServers" and not nested:
            value = "{}"
        parts.append(f'{draw(SPACES)}"{name}"{draw(SPACES)}:{draw(SPACES)}{value}{draw(SPACES)}')
    tail = "," if parts and draw(st.booleans()) else ""
    space: str = draw(SPACES)
    return "{" + ",".join(parts) + tail + space + "}"


@given(objects(), st.sampled_from(["", "\n", "\n\n"]))
def test_write_and_remove_leave_the_same_bytes_in_any_json(text: str, tail: str) -> None:
    """Where there is no server of this name yet."""
    text += tail
    if PATH[1] in (member_at(text, PATH[:1]) or {}):
        return
    written = with_member(text, PATH, ENTRY)
    assert member_at(written, PATH) == ENTRY
    assert without_member(written, PATH) == text


@pytest.mark.parametrize(
    "text", ["{", '{"a" 1}', '{"a": 1 "b": 2}', "{} x", '{"mcpServers": 3}', "[1]", "/*"]
)
def test_json_that_cannot_be_edited_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(JsonSpanError):
        with_member(text, PATH, ENTRY)


TOML_FILES = [
    "",
    'model = "x"',
    'model = "x" # mine\n',
    '[mcp_servers.a]\nurl = "x"\n\n\n',
    "# only a comment\n\n",
    '[mcp_servers]\n\n[mcp_servers.a]\ncommand = "b"\n[other]\nx = 1',
    'model = "x"\r\n',
]


@pytest.mark.parametrize("text", TOML_FILES)
def test_write_and_remove_leave_the_same_bytes_in_toml(text: str) -> None:
    """And between the two it is there."""
    path = ("mcp_servers", "wiki.example")
    written = with_table(text, path, ENTRY)
    assert tomllib.loads(written)["mcp_servers"]["wiki.example"] == ENTRY
    assert written.startswith(text)
    assert without_table(written, path) == text


def test_a_toml_table_that_was_edited_meanwhile_is_removed_all_the_same() -> None:
    """Other tables and comments stay."""
    text = '[mcp_servers.wiki]\ncommand = "authlens" # me\nargs = []\nextra = 1\n\n[z]\ny = 1 # kept\n'
    left = without_table(text, ("mcp_servers", "wiki"))
    assert table_at(left, ("mcp_servers", "wiki")) is None
    assert "y = 1 # kept" in left


@pytest.mark.parametrize("text", ["x = ", "mcp_servers = {a = 1}\n"])
def test_toml_that_cannot_be_added_to_is_refused(text: str) -> None:
    """A table cannot be added to an inline table."""
    with pytest.raises(TomlEditError):
        with_table(text, ("mcp_servers", "wiki"), ENTRY)


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda one: one.name)
def test_a_file_that_did_not_exist_is_made_and_removed_again(agent: Agent, tmp_path: Path) -> None:
    """For every agent."""
    entry = agent.entry(("authlens", "mcp-bridge", "https://wiki.example/mcp"))
    file = ConfigFile(agent, UserFile(agent.file(Places(tmp_path, tmp_path, {})), tmp_path))
    written = file.write("wiki", entry)
    assert (written.changed, written.backup) == (True, None)
    assert file.entry("wiki") == entry
    assert not file.write("wiki", entry).changed
    assert file.remove("wiki").removed_file
    assert not file.path.exists()


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda one: one.name)
def test_an_empty_file_is_empty_again(agent: Agent, tmp_path: Path) -> None:
    """Somebody made it: it stays."""
    file = ConfigFile(agent, UserFile(agent.file(Places(tmp_path, tmp_path, {})), tmp_path))
    file.path.parent.mkdir(parents=True, exist_ok=True)
    file.path.touch()
    file.write("wiki", agent.entry(("authlens", "mcp-bridge", "https://wiki.example/mcp")))
    assert not file.remove("wiki").removed_file
    assert file.path.read_bytes() == b""


def test_the_file_before_the_edit_is_beside_it(tmp_path: Path) -> None:
    """With its permissions; a link stays a link."""
    real = tmp_path / "real.json"
    real.write_text('{"mcpServers": {"a": {}}}')
    real.chmod(0o600)
    link = tmp_path / "link.json"
    link.symlink_to(real)
    edited = ConfigFile(AGENTS["cursor"], UserFile(link, tmp_path)).write("wiki", ENTRY)
    assert link.is_symlink()
    assert json.loads(real.read_text())["mcpServers"]["wiki"] == ENTRY
    assert edited.backup == tmp_path / f"real.json{BACKUP_SUFFIX}"
    assert edited.backup.read_text() == '{"mcpServers": {"a": {}}}'
    assert real.stat().st_mode & 0o777 == edited.backup.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    """It is named, with what is wrong."""
    path = tmp_path / "mcp.json"
    path.write_text("{\n  broken\n}")
    with pytest.raises(UsageError, match="line 2"):
        ConfigFile(AGENTS["cursor"], UserFile(path, tmp_path)).write("wiki", ENTRY)
    assert path.read_text() == "{\n  broken\n}"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_one_line_takes_no_longer_than_one_of_many() -> None:
    """H451: each of so many members searched for the start of its line, which took minutes."""

    def seconds(between: str) -> float:
        text = "{" + ",".join(f'{between}"k{number}": 1' for number in range(100_000)) + "}"
        began = time.process_time()
        with_member(text, PATH, ENTRY)
        return time.process_time() - began

    many = seconds("\n")
    assert seconds("") < 3 * many
