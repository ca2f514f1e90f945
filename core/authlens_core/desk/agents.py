"""Set up a coding agent: a protected MCP server in its configuration, and its instructions; no secret."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from authlens_core.gateway.agents.agent import AGENTS, bridge_command
from authlens_core.state import user_file
from authlens_core.state.user_file import UserFile, current_folder
from authlens_core.values.errors import FileUnusable, UsageError
from authlens_core.values.url import UrlRefused, parse_url

__all__ = ["AgentServer", "UsageError", "edit_project_file"]

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
# Characters of a name that is made from a URL: agents put the name of a tool behind it, and models take 64.
_LONGEST: Final = 40


class AgentServer:
    """The bridge to one MCP server, as an entry in the configuration of a coding agent.

    Args:
        agent: one of `AgentServer.agents`.
        url: the protected MCP server.
        name: the name of the entry; None is one that is made from the host and path of the URL.

    Attributes:
        agents: the names of the agents that are known.
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
        row, url = AGENTS[agent], _checked_url(url)
        self.name = _name_for(url) if name is None else _checked_name(name)
        bridge = bridge_command(url, gui=row.gui)
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
