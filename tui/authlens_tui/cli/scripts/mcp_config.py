"""`authlens mcp-config`: a protected MCP server in the configuration of a coding agent, without a secret."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authlens_core.agents.agent import AGENTS, Agent, Places
from authlens_core.agents.config_edit import ConfigFile, EditResult, rendered
from authlens_core.state.confined_path import LeadsOut, UserFile, current_folder, folder_of
from authlens_core.values.errors import UsageError
from authlens_tui.cli.terminal.output import answer_text, say
from authlens_tui.cli.urls import checked_url

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def mcp_config(arguments: Namespace) -> int:
    """Print what to add to the agent's file; with `--write` or `--remove`, edit the file.

    Raises:
        UsageError: the file has another server of this name, or cannot be edited.
    """
    url = checked_url(arguments.url)
    agent = AGENTS[arguments.agent]
    name = _name(arguments.name, url)
    entry = agent.entry((*_command(), "mcp-bridge", url))
    at = _file(agent, arguments.file, _by_hand(agent, name, url, remove=arguments.remove))
    file = ConfigFile(agent, at)
    if not arguments.write and not arguments.remove:
        say(f"{agent.title} reads this from {file.path}; --write adds it there.")
        answer_text(rendered(agent, name, entry))
        return 0
    try:
        present = file.entry(name)
        if present is not None and not _is_ours(present):
            cause = f"{file.path} has another server named {name}."
            raise UsageError(cause, "Choose another name: --name NAME")
        if arguments.remove:
            _say_removed(file.remove(name), agent, name)
        else:
            _say_written(file.write(name, entry), agent, name, url)
    except LeadsOut as error:
        raise _or_where_it_leads(at, error) from None
    return 0


def _name(given: str | None, url: str) -> str:
    if given is None:
        return re.sub(r"[^A-Za-z0-9]+", "-", urlsplit(url).netloc).strip("-")[:64]
    if not _NAME.fullmatch(given):
        raise UsageError(
            f"{given!r} cannot be the name of a server.",
            "Use up to 64 letters, digits, hyphens and underscores.",
        )
    return given


def _command() -> tuple[str, ...]:
    """Return how an agent starts authlens: by its name where that is on PATH, for files that are shared."""
    if shutil.which("authlens") is not None:
        return ("authlens",)
    beside = Path(sys.executable).with_name("authlens")
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "authlens_tui")


def _by_hand(agent: Agent, name: str, url: str, *, remove: bool) -> str:
    if remove:
        return f"Delete {'.'.join((*agent.path, name))} from it by hand."
    command = f"authlens mcp-config {agent.name} {shlex.quote(url)} --name {name}"
    return f"Add it by hand; this prints it: {command}"


def _file(agent: Agent, given: str | None, instead: str) -> UserFile:
    """Return the agent's file. No link may lead out of a project, nor out of your home."""
    home = Path.home()
    path = agent.file(Places(current_folder(), home, os.environ)) if given is None else Path(given)
    return UserFile(path, folder_of(path, home=home), instead)


def _or_where_it_leads(file: UserFile, error: LeadsOut) -> LeadsOut:
    """Return the error with a way to follow the link, unless that is in a project: it may be a trap."""
    is_project = file.folder == current_folder() or os.path.lexists(file.folder / ".git")
    if is_project and file.folder != Path.home():
        return error
    target = os.path.realpath(file.path)
    return LeadsOut(error.cause, f"If that is the file you mean, add: --file {shlex.quote(target)}")


def _is_ours(entry: Any) -> bool:
    """Say whether a server in the file is one that this verb wrote: it starts the bridge."""
    if not isinstance(entry, dict):
        return False
    command, more = entry.get("command"), entry.get("args")
    # Some agents store the whole command as one list, others its arguments apart.
    words = [
        *(command if isinstance(command, list) else [command]),
        *(more if isinstance(more, list) else []),
    ]
    return "mcp-bridge" in words


def _say_written(edited: EditResult, agent: Agent, name: str, url: str) -> None:
    if not edited.changed:
        say(f"{edited.path} has {name} already.")
        return
    say(f"Added {name} to {edited.path}. Restart {agent.title} to use it.")
    if edited.backup is not None:
        say(f"  Backup: {edited.backup}")
    say(f"  → If there is no login yet: authlens login {shlex.quote(url)}")


def _say_removed(edited: EditResult, agent: Agent, name: str) -> None:
    if not edited.changed:
        say(f"{edited.path} has no server named {name}.")
    elif edited.removed_file:
        say(f"Removed {edited.path}: nothing else was in it.")
    else:
        say(f"Removed {name} from {edited.path}. Restart {agent.title}.")
