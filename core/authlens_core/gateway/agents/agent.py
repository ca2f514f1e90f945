"""The coding agents that are known: the file each reads, and the form of a server in it, from `agents.toml`.

Every form starts the bridge as a local server. Several agents ignore configured header fields when a server
answers OAuth discovery, and Access with Managed OAuth always does, so a URL would not do. The command of a
server tells whether it starts the bridge, and for which URL.

"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Any, Final

import msgspec

from authlens_core.values.quick_dataclass import dataclass


class ConfigFormat(StrEnum):
    """How a file is written."""

    JSON = "json"
    TOML = "toml"
    YAML = "yaml"  # printed and not edited: no library for it leaves every other byte as it was


@dataclass(frozen=True, slots=True)
class Places:
    """Where files are looked for.

    Attributes:
        environ: variables that move an agent's directory.
        platform: as `sys.platform` has it.
    """

    project: Path
    home: Path
    environ: Mapping[str, str]
    platform: str = sys.platform


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent.

    Attributes:
        name: the word for it on the command line.
        source: the address that has its files and keys.
        path: the keys that lead to its servers.
        files: templates of the files that it may read, for each platform or under `any`.
        form: a server that is started by a command, with placeholders.
        gui: whether it is started without a shell, and so without the PATH of one.
        paste: where a server is entered, if authlens can edit no file of it.
    """

    name: str
    title: str
    source: str
    format: ConfigFormat
    path: tuple[str, ...]
    files: Mapping[str, tuple[str, ...]]
    form: Mapping[str, Any]
    gui: bool = False
    paste: str = ""

    def file(self, places: Places) -> Path | None:
        """Return the file that it reads, or None if its documentation names none for the platform."""
        there = []
        for template in self.files.get(places.platform, self.files.get("any", ())):
            root, _, rest = template.partition("/")
            # A folder that the user has named in the environment wins over all others, also if nothing is
            # there yet.
            if root.startswith("$"):
                if folder := places.environ.get(root[1:]):
                    return Path(folder) / rest
            else:
                there.append((places.home if root == "~" else places.project) / rest)
        # A link that leads nowhere is refused when it is read; another file would not be the one that counts.
        return next((path for path in there if os.path.lexists(path)), there[-1] if there else None)

    def entry(self, name: str, command: tuple[str, ...]) -> dict[str, Any]:
        """Return a server that is started by a command."""
        return {**self.form, **self.started(command), **({"name": name} if "name" in self.form else {})}

    def started(self, command: tuple[str, ...]) -> dict[str, Any]:
        """Return the members of a server that start it, and no other."""
        values = {"{program}": command[0], "{arguments}": list(command[1:]), "{command}": list(command)}
        placeholders = {key: form for key, form in self.form.items() if isinstance(form, str)}
        return {key: values[form] for key, form in placeholders.items() if form in values}

    def command(self, entry: object) -> tuple[str, ...]:
        """Return the command that starts a server in the file; nothing if it is no such server."""
        if not isinstance(entry, Mapping):
            return ()
        words: list[Any] = []
        for key in self.started(("",)):
            value = entry.get(key, [])
            words += value if isinstance(value, list) else [value]
        return tuple(words) if all(isinstance(word, str) for word in words) else ()


_TABLE: Final = Path(__file__).with_name("agents.toml")
AGENTS: Final[Mapping[str, Agent]] = {
    name: msgspec.convert({"name": name, **row}, Agent)
    for name, row in tomllib.loads(_TABLE.read_text(encoding="utf-8")).items()
}


VERB: Final = "mcp-bridge"
_PROGRAMS: Final = ("authlens", "authlens_tui")
_URL: Final = re.compile(r"https?://")


def bridge_command(url: str, *, gui: bool) -> tuple[str, ...]:
    """Return the command that starts the bridge.

    Args:
        gui: whether an agent starts it that has no PATH of a shell. Otherwise it is by its name if that is on
            PATH, because others may share the file.
    """
    return (*_program(gui=gui), VERB, url)


def url_of(command: Sequence[str]) -> str | None:
    """Return the URL that a command bridges to, or None if it does not start the bridge."""
    if VERB not in command:
        return None
    at = command.index(VERB)
    # `uvx authlens`, a script's path, `python -m authlens_tui`: one of them names the program.
    # Another program may have a verb of this name; its server is not ours to change.
    if not any(PurePath(word).stem in _PROGRAMS for word in command[:at]):
        return None
    return next((word for word in command[at:] if _URL.match(word)), None)


def updated(command: Sequence[str], *, gui: bool) -> tuple[str, ...]:
    """Return a command that starts the bridge, by a program that the agent finds; your options stay.

    It stays as it is if its program is found, or if it is started in a way that authlens does not write.
    """
    at = command.index(VERB)
    program = tuple(command[:at])
    is_written_here = program[1:] in ((), ("-m", "authlens_tui"))
    # A command that you wrote yourself stays, found or not.
    if shutil.which(program[0]) is not None or not is_written_here:
        return tuple(command)
    return (*_program(gui=gui), *command[at:])


def _program(*, gui: bool) -> tuple[str, ...]:
    if (program := shutil.which("authlens")) is not None:
        # Programs with a window do not have the PATH of your shell, so they get the whole path.
        return (str(Path(program).absolute()) if gui else "authlens",)
    beside = shutil.which("authlens", path=Path(sys.executable).parent)
    return (beside,) if beside is not None else (sys.executable, "-m", "authlens_tui")
