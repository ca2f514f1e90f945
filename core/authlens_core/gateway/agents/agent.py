"""The coding agents that are known: the files that each reads, and the form of a server, from `agents.toml`.

Every form starts the bridge as a local server. Several agents ignore configured header fields when a server
answers OAuth discovery, and Access with Managed OAuth always does, so a URL would not do.
"""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

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
_TABLE: Final = Path(__file__).with_name("agents.toml")
AGENTS: Final[Mapping[str, Agent]] = {
    name: msgspec.convert({"name": name, **row}, Agent)
    for name, row in tomllib.loads(_TABLE.read_text(encoding="utf-8")).items()
}


def bridge_command(url: str, *, gui: bool) -> tuple[str, ...]:
    """Return the command that starts the bridge.

    Args:
        gui: whether an agent starts it that has no PATH of a shell. Otherwise it is by its name if that is on
            PATH, because others may share the file.
    """
    return (*_program(gui=gui), "mcp-bridge", url)


def _program(*, gui: bool) -> tuple[str, ...]:
    if (program := shutil.which("authlens")) is not None:
        # Programs with a window do not have the PATH of your shell, so they get the whole path.
        return (str(Path(program).absolute()) if gui else "authlens",)
    beside = shutil.which("authlens", path=Path(sys.executable).parent)
    return (beside,) if beside is not None else (sys.executable, "-m", "authlens_tui")
