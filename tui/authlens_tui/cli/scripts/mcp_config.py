"""`authlens mcp-config`: a protected MCP server in the configuration of a coding agent, without a secret."""

from __future__ import annotations

import shlex
from argparse import ArgumentTypeError, Namespace

from authlens_core.desk.agents import AgentServer, EditResult
from authlens_tui.cli.option_values import nearest
from authlens_tui.cli.terminal.output import answer_text, say
from authlens_tui.cli.urls import checked_url


def agent_argument() -> dict[str, object]:
    """Return how the parser takes the name of an agent."""
    agents = AgentServer.agents
    return {"type": _known_agent, "choices": agents, "help": ", ".join(agents)}


def _known_agent(name: str) -> str:
    """Return the name of an agent; of another one, say what may fit it."""
    if name not in AgentServer.agents:
        near = nearest(name, AgentServer.agents)
        raise ArgumentTypeError(
            f"authlens does not know {name!r}. "
            + (f"Did you mean {near}? " if near else "")
            + 'If its file has "mcpServers", as most have: authlens mcp-config cursor URL --file FILE '
            "--write. Other forms: authlens help mcp-config"
        )
    return name


async def mcp_config(arguments: Namespace) -> int:
    """Print what to add to the agent's file; with `--write` or `--remove`, edit the file.

    Raises:
        UsageError: the file has another server of this name, or cannot be edited.
    """
    url = checked_url(arguments.url)
    server = AgentServer(arguments.agent, url, name=arguments.name, file=arguments.file)
    if arguments.remove:
        _say_removed(server.remove(), server)
    elif arguments.write and server.can_edit:
        _say_written(server.add(), server, url)
    else:
        _say_printed(server)
        answer_text(server.text)
    return 2 if arguments.write and not server.can_edit else 0


def _say_printed(server: AgentServer) -> None:
    if not server.can_edit:
        where = server.paste if server.path is None else f"{server.path}, {server.paste}"
        say(f"authlens cannot edit the servers of {server.title}. Paste this into {where}.")
    elif server.path is None:
        say(f"{server.title} reads this; its documentation names no file for this system.")
    else:
        say(f"{server.title} reads this from {server.path}; --write adds it there.")


def _say_written(edited: EditResult, server: AgentServer, url: str) -> None:
    if not edited.changed:
        say(f"{edited.path} has {server.name} already.")
    for part in server.not_written_here:
        say(f"  authlens did not write this in it, and leaves it: {part}")
    if not edited.changed:
        return
    say(f"Wrote {server.name} to {edited.path}. Restart {server.title} to use it.")
    if edited.backup is not None:
        say(f"  Backup: {edited.backup}; it goes with the last server that you --remove.")
    if (program := server.shared_program) is not None:
        say(f"  It starts {program}, which other machines may not have.")
    for name in server.without_authlens:
        say(f"  {edited.path} also has {name}, for the same URL without authlens: remove it if it fails.")
    say(f"  → If there is no login yet: authlens login {shlex.quote(url)}")


def _say_removed(edited: EditResult, server: AgentServer) -> None:
    if not edited.changed:
        say(f"{edited.path} has no server named {server.name}.")
    elif edited.removed_file:
        say(f"Removed {edited.path}: nothing else was in it.")
    else:
        say(f"Removed {server.name} from {edited.path}. Restart {server.title}.")
