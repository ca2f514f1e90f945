"""Set up a coding agent: a protected MCP server in its configuration, and its instructions; no secret."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.agents.agent import AGENTS, Places
from authlens_core.agents.config_edit import ConfigFile, EditResult, rendered
from authlens_core.state import user_file
from authlens_core.state.confined_path import LeadsOut, UserFile, current_folder, folder_of
from authlens_core.values.errors import UsageError

__all__ = ["AgentServer", "EditResult", "edit_project_file"]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AgentServer:
    """The bridge to one MCP server, as an entry in the configuration of a coding agent.

    Args:
        agent: one of `AgentServer.agents`.
        url: the protected MCP server.
        name: the name of the entry; None makes one from the host.
        file: the file to use instead of the agent's own.

    Attributes:
        agents: the names of the agents that are known.
        title: the agent's name in a sentence.
        path: the file that it reads.

    Raises:
        UsageError: the name cannot be used.
    """

    agents: Final = tuple(AGENTS)

    def __init__(self, agent: str, url: str, *, name: str | None = None, file: str | None = None) -> None:
        self._agent = AGENTS[agent]
        self._url = url
        self.name = _checked_name(name) if name is not None else _name_for(url)
        self.title = self._agent.title
        self._given = file
        self.path = self._file("").path

    @property
    def text(self) -> str:
        """What a file with this server alone looks like."""
        return rendered(self._agent, self.name, self._entry)

    def add(self) -> EditResult:
        """Add the server to the file; a backup of the file stays beside it.

        Raises:
            UsageError: the file has another server of this name, or cannot be edited.
        """
        command = f"authlens mcp-config {self._agent.name} {shlex.quote(self._url)} --name {self.name}"
        return self._edit(
            f"Add it by hand; this prints it: {command}", lambda file: file.write(self.name, self._entry)
        )

    def remove(self) -> EditResult:
        """Remove the server from the file; a file with nothing else in it is removed.

        Raises:
            UsageError: the file has another server of this name, or cannot be edited.
        """
        instead = f"Delete {'.'.join((*self._agent.path, self.name))} from it by hand."
        return self._edit(instead, lambda file: file.remove(self.name))

    @property
    def _entry(self) -> dict[str, Any]:
        return self._agent.entry((*_command(), "mcp-bridge", self._url))

    def _file(self, instead: str) -> UserFile:
        """Return the agent's file. No link may lead out of a project, nor out of your home."""
        home = Path.home()
        if self._given is None:
            path = self._agent.file(Places(current_folder(), home, os.environ))
        else:
            path = Path(self._given)
        return UserFile(path, folder_of(path, home=home), instead)

    def _edit(self, instead: str, edit: Callable[[ConfigFile], EditResult]) -> EditResult:
        file = self._file(instead)
        config = ConfigFile(self._agent, file)
        try:
            present = config.entry(self.name)
            if present is not None and not _is_ours(present):
                raise UsageError(
                    f"{config.path} has another server named {self.name}.", "Choose another name: --name NAME"
                )
            return edit(config)
        except LeadsOut as error:
            raise _or_where_it_leads(file, error) from None


def edit_project_file(
    path: Path, edit: Callable[[str, Path], str], *, instead: str, backup: bool
) -> EditResult:
    """Change a file in the current folder; one that is as wanted stays untouched.

    Args:
        path: the file, in the current folder. No link may lead out of it.
        edit: returns the new text for the text before, which is empty where there is no file, and its path.
        instead: what the user can do where the file cannot be edited.
        backup: whether a copy of the file before stays beside it.

    Raises:
        UsageError: the file cannot be read or written.
    """
    file = UserFile(path, current_folder(), instead)
    before = user_file.read(file)
    text, resolved = ("", path) if before is None else (before.text, before.path)
    after = edit(text, resolved)
    if after == text:
        return EditResult(path, changed=False)
    written = user_file.write(file, after.encode(), before, backup=backup)
    return EditResult(written.path, changed=True, backup=written.backup)


def _name_for(url: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", urlsplit(url).netloc).strip("-")[:64]


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a server.",
            "Use up to 64 letters, digits, hyphens and underscores.",
        )
    return name


def _command() -> tuple[str, ...]:
    """Return how an agent starts authlens: by its name where that is on PATH, for files that are shared."""
    if shutil.which("authlens") is not None:
        return ("authlens",)
    beside = Path(sys.executable).with_name("authlens")
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "authlens_tui")


def _or_where_it_leads(file: UserFile, error: LeadsOut) -> LeadsOut:
    """Return the error with a way to follow the link, unless that is in a project: it may be a trap."""
    is_project = file.folder == current_folder() or os.path.lexists(file.folder / ".git")
    if is_project and file.folder != Path.home():
        return error
    target = os.path.realpath(file.path)
    return LeadsOut(error.cause, f"If that is the file you mean, add: --file {shlex.quote(target)}")


def _is_ours(entry: Any) -> bool:
    """Return whether a server in the file is one that `add` wrote: it starts the bridge."""
    if not isinstance(entry, dict):
        return False
    command, arguments = entry.get("command"), entry.get("args")
    # Some agents store the whole command as one list, others its arguments apart.
    words = [
        *(command if isinstance(command, list) else [command]),
        *(arguments if isinstance(arguments, list) else []),
    ]
    return "mcp-bridge" in words
