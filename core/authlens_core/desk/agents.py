"""Set up a coding agent: a protected MCP server in its configuration, and its instructions; no secret.

The agents, the files that each reads, and the form of a server are in `agents.toml` beside this module. Every
form starts the bridge as a local server. Several agents ignore configured header fields when a server
answers OAuth discovery, and Access with Managed OAuth always does, so a URL would not do.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from authlens_core.state import user_file
from authlens_core.state.account_choice import chosen_account
from authlens_core.state.user_file import UserFile, current_folder
from authlens_core.values.errors import FileUnusable, UsageError
from authlens_core.values.url import UrlRefused, parse_url

__all__ = ["AgentServer", "UsageError", "edit_project_file"]

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
# Characters of a name that is made from a URL: agents put the name of a tool behind it, and models take 64.
_LONGEST: Final = 40

_Entry = Mapping[str, Any]


class ConfigFormat(StrEnum):
    """How a file is written."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"


class Agent(msgspec.Struct, frozen=True):
    """One agent.

    Attributes:
        name: the word for it on the command line.
        source: the address that has its files and keys.
        path: the keys that lead to its servers.
        form: a server that is started by a command, with placeholders.
        files: what it may read, for each platform or under `any`.
        add: its own command that adds a server, with placeholders; empty if it has none.
        gui: whether it is started without a shell, and so without the PATH of one.
        paste: where else a server is entered, or how.
    """

    name: str
    title: str
    source: str
    format: ConfigFormat
    path: tuple[str, ...]
    form: Mapping[str, Any]
    files: Mapping[str, tuple[str, ...]] = {}
    add: tuple[str, ...] = ()
    gui: bool = False
    paste: str = ""

    def files_with(self, environ: Mapping[str, str], platform: str = sys.platform) -> tuple[str, ...]:
        """Return the files that it may read; one that a variable names, if that is set, is the only one."""
        files = self.files.get(platform, self.files.get("any", ()))
        named = [file for file in files if file[0] == "$" and environ.get(file[1:].partition("/")[0])]
        return tuple(named[:1] or (file for file in files if file[0] != "$"))

    def entry(self, name: str, command: tuple[str, ...]) -> dict[str, Any]:
        """Return a server that is started by a command."""
        values = {
            "{program}": command[0],
            "{arguments}": list(command[1:]),
            "{command}": list(command),
            "{name}": name,
        }
        return {
            key: values.get(form, form) if isinstance(form, str) else form for key, form in self.form.items()
        }

    def text(self, name: str, entry: _Entry) -> str:
        """Return what a file with this server alone looks like."""
        return _WRITTEN[self.format]((*self.path, name), entry)

    def add_command(self, name: str, command: tuple[str, ...]) -> tuple[str, ...]:
        """Return the agent's own command that adds the server; empty if it has none."""
        as_json = json.dumps({"name": name, "command": command[0], "args": command[1:]})
        values = {"{command}": command, "{name}": (name,), "{json}": (as_json,)}
        return tuple(word for part in self.add for word in values.get(part, (part,)))


def _as_json(path: tuple[str, ...], entry: _Entry) -> str:
    value: _Entry = entry
    for key in reversed(path):
        value = {key: value}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _as_toml(path: tuple[str, ...], entry: _Entry) -> str:
    return "\n".join((f"[{'.'.join(path)}]", *_lines(entry, " = "), ""))


def _as_yaml(path: tuple[str, ...], entry: _Entry) -> str:
    """Return a mapping. Its values are JSON, which YAML 1.2 §1.3 has as a part."""
    *keys, name = path
    # In quotes, because a name may be a number for YAML.
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate((*keys, json.dumps(name)))]
    return "\n".join((*lines, *(f"{'  ' * len(path)}{line}" for line in _lines(entry, ": ")), ""))


def _lines(entry: _Entry, separator: str) -> Iterator[str]:
    for key, value in entry.items():
        yield f"{key}{separator}{json.dumps(value, ensure_ascii=False)}"


_WRITTEN: Final[Mapping[ConfigFormat, Callable[[tuple[str, ...], _Entry], str]]] = {
    ConfigFormat.JSON: _as_json,
    ConfigFormat.TOML: _as_toml,
    ConfigFormat.YAML: _as_yaml,
}
_TABLE: Final = Path(__file__).with_suffix(".toml")
AGENTS: Final[Mapping[str, Agent]] = {
    name: msgspec.convert({"name": name, **row}, Agent)
    for name, row in tomllib.loads(_TABLE.read_text(encoding="utf-8")).items()
}


def bridge_command(url: str, *, gui: bool, account: str | None = None) -> tuple[str, ...]:
    """Return the command that starts the bridge.

    Args:
        gui: whether an agent starts it that has no PATH of a shell. Otherwise it is by its name if that is on
            PATH, because others may share the file.
        account: the account that it is for; None for the default.
    """
    chosen = () if account is None else ("--as", account)
    return (*_program(gui=gui), "mcp-bridge", url, *chosen)


def _program(*, gui: bool) -> tuple[str, ...]:
    if (program := shutil.which("authlens")) is not None:
        # Programs with a window do not have the PATH of your shell, so they get the whole path.
        return (str(Path(program).absolute()) if gui else "authlens",)
    beside = shutil.which("authlens", path=Path(sys.executable).parent)
    return (beside,) if beside is not None else (sys.executable, "-m", "authlens_tui")


class AgentServer:
    """The bridge to one MCP server, as an entry in the configuration of a coding agent.

    Args:
        agent: one of `AgentServer.agents`.
        url: the protected MCP server.
        name: the name of the entry; None is one that is made from the host and path of the URL.

    The entry is for the account that was chosen, by `--as` or its like, if one was.

    Attributes:
        agents: the names of the agents that are known.
        url: the server's URL as the entry has it: a login to this one serves the entry.
        name: the name of the entry.
        title: the agent's name in a sentence.
        text: what a file with this server alone looks like.
        files: the files that the agent may read, as its documentation names them for this system.
        paste: where else the entry is pasted, or how; else the empty string.
        command: the agent's own command that adds the server; empty if it has none.

    Raises:
        UsageError: the URL or the name cannot be used.
    """

    agents: Final = tuple(AGENTS)

    def __init__(self, agent: str, url: str, *, name: str | None = None) -> None:
        row = AGENTS[agent]
        self.url = _checked_url(url)
        self.name = _name_for(self.url) if name is None else _checked_name(name)
        bridge = bridge_command(self.url, gui=row.gui, account=chosen_account())
        self.title = row.title
        self.text = row.text(self.name, row.entry(self.name, bridge))
        self.files = row.files_with(os.environ)
        self.paste = row.paste
        self.command = row.add_command(self.name, bridge)


def edit_project_file(path: Path, edit: Callable[[str], str], *, instead: str) -> bool:
    """Change a file in the current folder; return false where it was already as wanted.

    Args:
        path: the file, in the current folder. No link may lead to it.
        edit: returns the new text for the text before, which is empty where there is no file.
        instead: what the user can do where the file cannot be edited.

    Raises:
        UsageError: the file cannot be read or written.
    """
    file = UserFile(path, current_folder(), instead)
    before = user_file.read(file)
    try:
        text = "" if before is None else before.data.decode()
    except UnicodeDecodeError:
        raise FileUnusable(f"{path} is not UTF-8.", "Convert it to UTF-8, then try again.") from None
    after = edit(text)
    if after != text:
        user_file.write(file, after.encode(), before)
    return after != text


def _name_for(url: str) -> str:
    """Return a name from the host and the path: a host may have several servers."""
    parts = urlsplit(url)
    name = re.sub(r"[^A-Za-z0-9]+", "-", parts.netloc + parts.path).strip("-")
    if len(name) <= _LONGEST:
        return name
    # The digest keeps two servers apart whose addresses begin alike.
    return f"{name[: _LONGEST - 7]}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


def _checked_url(url: str) -> str:
    """Return the URL as it is written into a file of an agent: some of them expand `$NAME` and `${NAME}`."""
    try:
        return parse_url(url, loopback_http=True).text.replace("$", "%24")
    except UrlRefused as error:
        raise UsageError(
            f"The URL cannot be used: {error}.", "Use an https URL, such as https://mcp.example.com/mcp."
        ) from None


def _checked_name(name: str) -> str:
    # Not one that an agent's own command would read as an option.
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a server.",
            "Use up to 64 letters, digits, hyphens and underscores, and no hyphen at the start.",
        )
    return name
