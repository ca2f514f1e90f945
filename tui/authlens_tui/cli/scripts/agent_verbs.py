"""Set up a coding agent: `authlens mcp-config` for its servers, `authlens skill` for what it reads."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentTypeError, Namespace
from importlib.resources import files
from pathlib import Path
from typing import Final

from authlens_core.desk.agents import AgentServer, EditResult, edit_project_file
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.terminal.output import answer_text, say
from authlens_tui.cli.terminal.refused import nearest, refusal

_SKILL_FILE: Final = Path(".claude") / "skills" / "authlens" / "SKILL.md"
_AGENTS_FILE: Final = Path("AGENTS.md")
_BEGIN: Final = "<!-- authlens: begin -->"
_END: Final = "<!-- authlens: end -->"
_OURS: Final = re.compile(r"---\r?\nname: authlens\r?\n")
_FRONT_MATTER: Final = """\
---
name: authlens
description: "Fetch a URL that needs a login (Cloudflare Access, OAuth, MCP, git). The user logs in once; \
you never see the credential."
license: MIT
---

# Reach protected resources with authlens

"""


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


def skill_text() -> str:
    return _FRONT_MATTER + _body().replace("\n### ", "\n## ")


def agents_text() -> str:
    """Return the section for AGENTS.md, between the marks by which it is found again."""
    return f"{_BEGIN}\n## Protected resources (authlens)\n\n{_body()}{_END}\n"


async def skill(arguments: Namespace) -> int:
    """Print the text; with `--write`, put it into the project in the current directory.

    Raises:
        UsageError: the file cannot be written, or is the skill of someone else.
    """
    as_section = arguments.format == "agents"
    if not arguments.write:
        answer_text(agents_text() if as_section else skill_text())
        return 0
    path = _AGENTS_FILE if as_section else _SKILL_FILE
    printing = f"authlens skill --format {arguments.format}"
    edited = edit_project_file(
        path,
        _with_section if as_section else _own_skill,
        instead=f"Add it by hand; this prints it: {printing}",
        # Of AGENTS.md only our own section changes; a skill is replaced whole, with what you changed in it.
        backup=not as_section,
    )
    if not edited.changed:
        say(f"{path} is up to date.")
        return 0
    say(f"Wrote {edited.path}.")
    if edited.backup is not None:
        say(f"  Backup: {edited.backup}")
    return 0


def _own_skill(before: str, path: Path) -> str:
    """Return the skill, unless what is there is another one."""
    text = skill_text()
    if before not in ("", text) and not _OURS.match(before):
        name = shlex.quote(str(path))
        raise refusal(f"{path} is another skill.", f"Move it away first: mv -n {name} {name}.old")
    return text


def _with_section(before: str, _path: Path) -> str:
    """Return a file with our section: at its end, or where an earlier one is."""
    line_end = "\r\n" if "\r\n" in before else "\n"
    section = agents_text().replace("\n", line_end)
    # Between these two is no other mark, so a mark in your own text costs none of it. Without a pattern,
    # because one that spans lines takes minutes with a file of opening marks.
    begin = before.rfind(_BEGIN, 0, max(before.rfind(_END), 0))
    if begin >= 0:
        end = before.find(_END, begin)
        after = before[end + len(_END) :]
        return before[:begin] + section + after.removeprefix("\r").removeprefix("\n")
    gap = "" if not before else line_end if before.endswith("\n") else line_end * 2
    return f"{before}{gap}{section}"


def _body() -> str:
    return files("authlens_tui.cli.scripts").joinpath("skill.md").read_text(encoding="utf-8")
