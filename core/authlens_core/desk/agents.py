"""Set up a coding agent: a protected MCP server in its configuration, and its instructions; no secret."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Container, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from authlens_core.gateway.agents.agent import AGENTS, Places, bridge_command, updated, url_of
from authlens_core.gateway.agents.config_edit import GRAMMARS, ConfigFile, EditResult, rendered
from authlens_core.state import user_file
from authlens_core.state.confined_path import LeadsOut, UserFile, current_folder, folder_of
from authlens_core.values.errors import UsageError
from authlens_core.values.url import UrlRefused, parse_url

__all__ = [
    "AgentServer",
    "EditResult",
    "UsageError",
    "edit_project_file",
]

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Characters of a name that is made from a URL: agents put the name of a tool behind it, and models take 64.
_LONGEST: Final = 40


class AgentServer:
    """The bridge to one MCP server, as an entry in the configuration of a coding agent.

    Args:
        agent: one of `AgentServer.agents`.
        url: the protected MCP server.
        name: the name of the entry; None is the one that the file has for this URL, or else one that is made
            from its host and path.
        file: the file to use instead of the agent's own.

    Attributes:
        agents: the names of the agents that are known.
        name: the name of the entry.
        title: the agent's name in a sentence.
        path: the file that it reads; None if its documentation names none for this system.
        paste: where the entry is pasted, if authlens cannot edit a file of this agent.
        without_authlens: names of entries for the same URL that are not authlens's, as `add` found them.
        not_written_here: what the entry has that `add` left as it was: its command, as a shell has it, if it
            is another one, and the names of members. Who wrote the file may want another program run.

    Raises:
        UsageError: the URL or the name cannot be used.
    """

    agents: Final = tuple(AGENTS)

    def __init__(self, agent: str, url: str, *, name: str | None = None, file: str | None = None) -> None:
        self._agent = AGENTS[agent]
        self._url = _checked_url(url)
        self._given_name = None if name is None else _checked_name(name)
        self.name = self._given_name or _name_for(self._url)
        self.title = self._agent.title
        self.path = Path(file) if file is not None else self._agent.file(_places())
        self.paste = self._agent.paste
        self.without_authlens: tuple[str, ...] = ()
        self.not_written_here: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a file with this server alone looks like."""
        return rendered(self._agent, self.name, self._entry)

    def add(self) -> EditResult:
        """Add the server to the file, or update it there; a backup of the file stays beside it.

        What you added to the entry stays, and so do the options of its command.

        Raises:
            UsageError: the file has another server of this name, or cannot be edited.
        """
        by_hand = ["authlens", "mcp-config", self._agent.name, self._url, "--name", self.name]
        return self._edit(f"Add it by hand; this prints it: {shlex.join(by_hand)}", self._added)

    def remove(self) -> EditResult:
        """Remove the server from the file; a file with nothing else in it is removed.

        Backups of the file are removed with the last server that authlens wrote.

        Raises:
            UsageError: the file has another server of this name, or cannot be edited.
        """
        where = "it" if self.can_edit else self.path or self.paste
        instead = f"Delete {'.'.join((*self._agent.path, self.name))} from {where} by hand."
        return self._edit(instead, self._removed)

    @property
    def can_edit(self) -> bool:
        """Whether `add` and `remove` can edit a file of this agent."""
        return self._agent.format in GRAMMARS and not (self.path is None and self._agent.paste)

    @property
    def shared_program(self) -> str | None:
        """The whole path of the program in a file of the project, which others may share."""
        (program, *_) = self._agent.command(self._entry)
        is_in_project = self.path is not None and self.path.absolute().is_relative_to(current_folder())
        return program if is_in_project and Path(program).is_absolute() else None

    @property
    def _entry(self) -> dict[str, Any]:
        return self._agent.entry(self.name, bridge_command(self._url, gui=self._agent.gui))

    def _added(self, config: ConfigFile, servers: Mapping[str, Any]) -> EditResult:
        self.without_authlens = tuple(
            name
            for name, entry in servers.items()
            if self._url_of(entry) is None and self._url in _words_of(entry)
        )
        if self.name not in servers:
            return config.add(self.name, self._entry)
        entry = servers[self.name]
        command = updated(self._agent.command(entry), gui=self._agent.gui)
        is_own = command == bridge_command(self._url, gui=self._agent.gui)
        members = (key for key in entry if key not in self._entry)
        self.not_written_here = (*(() if is_own else (shlex.join(command),)), *members)
        return config.change(self.name, entry, self._agent.started(command))

    def _removed(self, config: ConfigFile, servers: Mapping[str, Any]) -> EditResult:
        if self.name not in servers:
            return EditResult(config.path, changed=False)
        others = [name for name, entry in servers.items() if name != self.name and self._url_of(entry)]
        return config.remove(self.name, last=not others)

    def _url_of(self, entry: Any) -> str | None:
        """Return the URL that a server in the file bridges to; None if it is not one of authlens."""
        return url_of(self._agent.command(entry))

    def _edit(self, instead: str, edit: Callable[[ConfigFile, Mapping[str, Any]], EditResult]) -> EditResult:
        if not self.can_edit:
            raise UsageError(f"authlens cannot edit the servers of {self.title}.", instead)
        if self.path is None:
            raise UsageError(
                f"The documentation of {self.title} names no file for this system: {self._agent.source}",
                "If you know the file, add: --file FILE",
            )
        # No link may lead out of a project, nor out of your home.
        file = UserFile(self.path, folder_of(self.path, home=Path.home()), instead)
        config = ConfigFile(self._agent, file)
        try:
            servers = config.servers()
            self.name = self._given_name or self._present_name(servers) or self.name
            if self.name in servers and (url := self._url_of(servers[self.name])) != self._url:
                raise UsageError(
                    f"{self.path} has {url or 'another server'} under the name {self.name}.",
                    f"Choose another name: --name {_free_name(self.name, servers)}",
                )
            return edit(config, servers)
        except LeadsOut as error:
            raise _or_where_it_leads(file, error) from None

    def _present_name(self, servers: Mapping[str, Any]) -> str | None:
        """Return the name that the file has for the URL, if it has one."""
        names = [name for name, entry in servers.items() if self._url_of(entry) == self._url]
        if len(names) > 1:
            raise UsageError(
                f"{self.path} has {self._url} under {len(names)} names: {', '.join(names)}.",
                f"Choose one: --name {shlex.quote(names[0])}",
            )
        return names[0] if names else None


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


def _words_of(entry: Any) -> list[Any]:
    """Return the values of an entry, and those in its lists: a remote server has the URL in one of them."""
    values = list(entry.values()) if isinstance(entry, Mapping) else []
    return values + [word for value in values if isinstance(value, list) for word in value]


def _places() -> Places:
    return Places(current_folder(), Path.home(), os.environ)


def _name_for(url: str) -> str:
    """Return a name from the host and the path: a host may have several servers."""
    parts = urlsplit(url)
    name = re.sub(r"[^A-Za-z0-9]+", "-", parts.netloc + parts.path).strip("-")
    if len(name) <= _LONGEST:
        return name
    # The digest keeps two servers apart whose addresses begin alike.
    return f"{name[: _LONGEST - 7]}-{hashlib.sha256(url.encode()).hexdigest()[:6]}"


def _free_name(name: str, servers: Container[str]) -> str:
    return next(free for number in count(2) if (free := f"{name[:60]}-{number}") not in servers)


def _checked_url(url: str) -> str:
    """Return the URL as it is written into a file of an agent: some of them expand `$NAME` and `${NAME}`."""
    try:
        return parse_url(url, loopback_http=True).text.replace("$", "%24")
    except UrlRefused as error:
        raise UsageError(
            f"The URL cannot be used: {error}.", "Use an https URL, such as https://mcp.example.com/mcp."
        ) from None


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a server.",
            "Use up to 64 letters, digits, hyphens and underscores.",
        )
    return name


def _or_where_it_leads(file: UserFile, error: LeadsOut) -> LeadsOut:
    """Return the error with a way to follow the link, unless that is in a project: it may be a trap."""
    is_project = file.folder == current_folder() or os.path.lexists(file.folder / ".git")
    if is_project and file.folder != Path.home():
        return error
    target = os.path.realpath(file.path)
    return LeadsOut(error.cause, f"If that is the file you mean, add: --file {shlex.quote(target)}")
