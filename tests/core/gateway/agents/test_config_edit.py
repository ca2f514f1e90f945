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

from authlens_core.gateway.agents.agent import AGENTS, Agent, Places
from authlens_core.gateway.agents.config_edit import GRAMMARS, ConfigFile
from authlens_core.gateway.agents.json_edit import (
    JsonSpanError,
    member_at,
    with_member,
    without_member,
)
from authlens_core.gateway.agents.toml_edit import TomlEditError, with_table, with_value, without_table
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
MARK = "\ufeff"


@pytest.mark.parametrize("text", JSON_FILES)
def test_write_and_remove_leave_the_same_bytes_in_json(text: str) -> None:
    """And between the two the server is there and everything else is, too."""
    written = with_member(text, PATH, ENTRY)
    assert member_at(written, PATH) == ENTRY
    before = member_at(text, ()) if text else {}
    for name, value in before.items():
        if name != "mcpServers":
            assert member_at(written, (name,)) == value
    assert without_member(written, PATH) == text


@pytest.mark.parametrize("comma", ["", ","])
@pytest.mark.parametrize("comment", [" // of a", "  /* of a */"])
def test_a_comment_stays_on_the_line_of_its_server(comma: str, comment: str) -> None:
    """What is added comes after it."""
    text = f'{{\n  "mcpServers": {{\n    "a": {{}}{comma}{comment}\n  }}\n}}\n'
    written = with_member(text, PATH, ENTRY)
    assert f'    "a": {{}},{comment}\n    "wiki": {{' in written
    assert without_member(written, PATH) == text


def test_comments_of_what_follows_a_removed_server_stay() -> None:
    """The one on its own line goes with it."""
    text = '{\n  "mcpServers": {\n    "wiki": {}, // mine\n    // of a\n    "a": {}\n  }\n}\n'
    assert without_member(text, PATH) == '{\n  "mcpServers": {\n    // of a\n    "a": {}\n  }\n}\n'
    assert without_member('{"mcpServers": {"wiki": {}, "a": 1}}', PATH) == '{"mcpServers": {"a": 1}}'


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
    "text",
    [
        *("{", '{"a" 1}', '{"a": 1 "b": 2}', "{} x", '{"mcpServers": 3}', "[1]", "/*", "{} /* open"),
        *("{,}", '{"a": [,]}', '{"a": [ /* x */ , ]}', '{"a": 1,,}', '{"a": -Infinity}', '{"a": "x // y'),
        # Read once, however often something is opened and not closed.
        *("{" + piece * 100_000 for piece in ('\\"', "/* ", ",/*", "[,", "[/*", '"')),
        '{"a": ' + "[" * 100_000,
    ],
    ids=lambda text: text[:20],
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
    MARK,
    f'{MARK}model = "x"\n',
]


@pytest.mark.parametrize("text", TOML_FILES)
def test_write_and_remove_leave_the_same_bytes_in_toml(text: str) -> None:
    """And between the two it is there."""
    path = ("mcp_servers", "wiki.example")
    written = with_table(text, path, ENTRY)
    assert tomllib.loads(written.removeprefix(MARK))["mcp_servers"]["wiki.example"] == ENTRY
    assert written.startswith(text)
    assert without_table(written, path) == text


def test_a_toml_table_that_was_edited_meanwhile_is_removed_all_the_same() -> None:
    """Other tables and comments stay, also those that tomlkit counts as part of the removed one."""
    head, tail = "# head\n[a]\nx = 1\n\n", "\n# of z\n[mcp_servers.z]\ny = 1 # kept\n"
    text = f'{head}[mcp_servers.wiki]\ncommand = "authlens" # me\nargs = []\nextra = 1\n{tail}'
    for mark, line in ((MARK, "\n"), ("", "\r\n")):
        left = without_table((mark + text).replace("\n", line), ("mcp_servers", "wiki"))
        assert left == (mark + head + tail).replace("\n", line)


@pytest.mark.parametrize("mark", ["", MARK])
def test_a_changed_value_in_toml_leaves_every_other_byte(mark: str) -> None:
    text = (
        f'{mark}[mcp_servers.wiki]\ncommand = "old" # mine\nargs = ["a"]\n  [mcp_servers.wiki.env]\nA = "1"\n'
    )
    changed = with_value(text, ("mcp_servers", "wiki", "command"), "new")
    assert changed == text.replace('"old"', '"new"')


@pytest.mark.parametrize("text", ["x = ", "mcp_servers = {a = 1}\n"])
def test_toml_that_cannot_be_added_to_is_refused(text: str) -> None:
    """A table cannot be added to an inline table."""
    with pytest.raises(TomlEditError):
        with_table(text, ("mcp_servers", "wiki"), ENTRY)


EDITED = [agent for agent in AGENTS.values() if agent.format in GRAMMARS]


def config(agent: Agent, folder: Path) -> ConfigFile:
    path = agent.file(Places(folder, folder, {}, "linux")) or folder / "servers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return ConfigFile(agent, UserFile(path, folder))


@pytest.mark.parametrize("agent", EDITED, ids=lambda one: one.name)
def test_a_file_that_did_not_exist_is_made_and_removed_again(agent: Agent, tmp_path: Path) -> None:
    """For every agent; the program alone is changed meanwhile, in a server that you added to."""
    file = config(agent, tmp_path)
    entry = agent.entry("wiki", ("authlens", "mcp-bridge", "https://wiki.example/mcp"))
    assert file.add("wiki", entry).backup is None
    assert file.servers() == {"wiki": entry}
    yours = {**entry, "yours": [1, {"a": "b"}]}
    file.remove("wiki", last=True)
    file.add("wiki", yours)
    started = agent.started(("/bin/authlens", "mcp-bridge", "https://wiki.example/mcp"))
    before = file.path.read_text()
    assert file.change("wiki", yours, started).changed
    assert file.servers() == {"wiki": {**yours, **started}}
    assert file.path.read_text() == before.replace('"authlens"', '"/bin/authlens"')
    assert not file.change("wiki", {**yours, **started}, started).changed
    assert file.remove("wiki", last=True).removed_file
    assert not list(file.path.parent.iterdir())


@pytest.mark.parametrize("agent", [AGENTS["cursor"], AGENTS["codex"]], ids=lambda one: one.name)
@pytest.mark.parametrize("mark", ["", MARK])
def test_an_empty_file_is_empty_again(agent: Agent, mark: str, tmp_path: Path) -> None:
    """You made it: it stays, with the mark that an editor put there."""
    file = config(agent, tmp_path)
    file.path.write_text(mark, encoding="utf-8")
    file.add("wiki", agent.entry("wiki", ("authlens",)))
    assert not file.remove("wiki", last=True).removed_file
    assert file.path.read_text("utf-8") == mark
    assert list(file.path.parent.iterdir()) == [file.path]


def test_the_file_before_the_edit_is_beside_it_until_the_last_server_goes(tmp_path: Path) -> None:
    """With its permissions; a link stays a link."""
    real = tmp_path / "real.json"
    text = '{"mcpServers": {"a": {}}}'
    real.write_text(text)
    real.chmod(0o600)
    link = tmp_path / "link.json"
    link.symlink_to(real)
    file = ConfigFile(AGENTS["cursor"], UserFile(link, tmp_path))
    edited = file.add("wiki", ENTRY)
    assert link.is_symlink()
    assert json.loads(real.read_text())["mcpServers"]["wiki"] == ENTRY
    assert edited.backup == tmp_path / f"real.json{BACKUP_SUFFIX}"
    assert edited.backup.read_text() == text
    assert real.stat().st_mode & 0o777 == edited.backup.stat().st_mode & 0o777 == 0o600
    file.add("git", ENTRY)
    file.remove("git", last=False)
    assert edited.backup.exists()
    file.remove("wiki", last=True)
    assert real.read_text() == text
    assert sorted(tmp_path.iterdir()) == [link, real]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{\n  broken\n}", "line 2"),
        ('{"mcpServers": {"wiki": {}, "wiki": {"command": "authlens"}}}', "without something else"),
        ('{"mcpServers": {"wiki": {}, "z": NaN}}', "line 1"),
    ],
)
def test_a_file_that_cannot_be_read_or_edited_is_left_alone(text: str, why: str, tmp_path: Path) -> None:
    """It is named, with what is wrong."""
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=why):
        ConfigFile(AGENTS["cursor"], UserFile(path, tmp_path)).remove("wiki", last=True)
    assert path.read_text() == text
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
