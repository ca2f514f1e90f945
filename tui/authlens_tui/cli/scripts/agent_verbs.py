"""Set up a coding agent: `authlens mcp-config` for its servers, `authlens skill` for its instructions."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from argparse import ArgumentTypeError, Namespace
from importlib.resources import files
from pathlib import Path
from typing import Final

from authlens_core.desk.agents import AgentServer, edit_project_file
from authlens_core.values.secret import for_children
from authlens_tui.cli.option_values import checked_url
from authlens_tui.cli.terminal.output import answer_text, is_terminal, say
from authlens_tui.cli.terminal.refused import nearest, refusal
from authlens_tui.cli.terminal.standard_input import next_line

_SKILL_FILE: Final = Path(".claude") / "skills" / "authlens" / "SKILL.md"
_AGENTS_FILE: Final = Path("AGENTS.md")
_BEGIN: Final = "<!-- authlens: begin -->"
_END: Final = "<!-- authlens: end -->"
_LONGEST_ANSWER: Final = 80  # bytes
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
    """Return the name of a known agent; refuse any other with a suggestion."""
    if name not in AgentServer.agents:
        near = nearest(name, AgentServer.agents)
        raise ArgumentTypeError(
            f"authlens does not know {name!r}. "
            + (f"Did you mean {near}? " if near else "")
            + 'If its file has "mcpServers", as most have, paste what this prints: '
            "authlens mcp-config cursor URL. Other forms: authlens help mcp-config"
        )
    return name


async def mcp_config(arguments: Namespace) -> int:
    """Print what to add to the agent's file; on a terminal, offer to run the agent's own command.

    Raises:
        UsageError: the URL or the name cannot be used, or the agent's command fails.
    """
    server = AgentServer(arguments.agent, checked_url(arguments.url), name=arguments.name)
    say(_destination(server))
    answer_text(server.text)
    if server.command:
        say(f"Or let {server.title} add it:")
        say(f"  → Run: {shlex.join(server.command)}")
        await _offer(server)
    say(f"  → If there is no login yet: authlens login {shlex.quote(server.url)}")
    return 0


def _destination(server: AgentServer) -> str:
    """Return where the text goes."""
    if server.files:
        hint = f"{server.title} reads this from {' or '.join(server.files)}"
        return f"{hint}, {server.paste}." if server.paste else f"{hint}."
    if server.paste:
        return f"Paste this into {server.title}: {server.paste}."
    return f"{server.title} reads this; its documentation names no file for this system."


async def _offer(server: AgentServer) -> None:
    """Run the agent's command if the user agrees on a terminal."""
    program = shutil.which(server.command[0])
    if program is None or not all(map(is_terminal, (sys.stdin, sys.stdout, sys.stderr))):
        return
    say("Run it now? Type y and Enter; anything else leaves all as it is.")
    if next_line(_LONGEST_ANSWER).strip().lower() not in ("y", "yes"):
        return
    import asyncio  # the parser of the command line needs none of it

    process = await asyncio.create_subprocess_exec(program, *server.command[1:], env=for_children(os.environ))
    if code := await process.wait():
        raise refusal(
            f"{server.command[0]} ended with exit code {code}.",
            "Its message is above. Or paste the entry that is printed above it.",
        )
    say(f"Restart {server.title} to use {server.name}.")


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
    changed = edit_project_file(
        path,
        _with_section if as_section else _own_skill,
        instead=f"Add it by hand; this prints it: {printing}",
    )
    say(f"Wrote {path}." if changed else f"{path} is up to date.")
    return 0


def _own_skill(before: str) -> str:
    """Return the skill, unless the file has another one or was changed."""
    text = skill_text()
    if before not in ("", text):
        raise refusal(
            f"{_SKILL_FILE} is another skill, or another version of this one.",
            f"Move it away first: mv -n {_SKILL_FILE} {_SKILL_FILE}.old",
        )
    return text


def _with_section(before: str) -> str:
    """Return a file with our section at its end, or instead of an earlier one."""
    line_end = "\r\n" if "\r\n" in before else "\n"
    section = agents_text().replace("\n", line_end)
    # Between these two is no other mark, so a mark in your own text costs none of it. Without a pattern,
    # because one that spans lines takes minutes with a file of opening marks.
    begin = before.rfind(_BEGIN, 0, max(before.rfind(_END), 0))
    if begin >= 0:
        end = before.find(_END, begin)
        after = before[end + len(_END) :]
        return before[:begin] + section + after.removeprefix("\r").removeprefix("\n")
    gap = line_end if before.endswith("\n") else line_end * 2
    if not before:
        gap = ""
    return f"{before}{gap}{section}"


def _body() -> str:
    return files("authlens_tui.cli.scripts").joinpath("skill.md").read_text(encoding="utf-8")
