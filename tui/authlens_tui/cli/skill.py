"""`authlens skill`: the text that teaches a coding agent to use these verbs, as a skill or for AGENTS.md."""

from __future__ import annotations

import re
from argparse import Namespace
from importlib.resources import files
from pathlib import Path
from typing import Final

from authlens_core.errors import UsageError
from authlens_tui.cli.terminal.output import answer_text, say

_SKILL_FILE: Final = Path(".claude") / "skills" / "authlens" / "SKILL.md"
_AGENTS_FILE: Final = Path("AGENTS.md")
_BEGIN: Final = "<!-- authlens: begin -->"
_END: Final = "<!-- authlens: end -->"
_SECTION: Final = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}\n?", re.DOTALL)
_FRONT_MATTER: Final = """\
---
name: authlens
description: "Reach a URL that needs a login (Cloudflare Access, or any resource with RFC 9728 metadata): \
detect it, ask the user to log in once, and use the credential without ever seeing it."
license: MIT
compatibility: "needs the program authlens on PATH"
metadata:
  category: authentication
---

# Reach protected resources with authlens

"""


def skill_text() -> str:
    return _FRONT_MATTER + _body().replace("\n### ", "\n## ")


def agents_text() -> str:
    """Return the section for AGENTS.md, between the marks by which it is found again."""
    return f"{_BEGIN}\n## Protected resources (authlens)\n\n{_body()}{_END}\n"


async def skill(arguments: Namespace) -> int:
    """Print the text; with `--write`, put it into the project in the current directory.

    Raises:
        UsageError: the file cannot be written.
    """
    as_section = arguments.format == "agents"
    if not arguments.write:
        answer_text(agents_text() if as_section else skill_text())
        return 0
    path = _AGENTS_FILE if as_section else _SKILL_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(_with_section(before) if as_section else skill_text(), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path} cannot be written: {reason}.") from None
    say(f"Wrote {path}.")
    return 0


def _with_section(before: str) -> str:
    """Return a file with our section: at its end, or where an earlier one is."""
    if _SECTION.search(before):
        # By a function: in a replacement that is text, a backslash would be a reference to a group.
        return _SECTION.sub(lambda _: agents_text(), before, count=1)
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    return f"{before}{gap}{agents_text()}"


def _body() -> str:
    return files("authlens_tui.cli").joinpath("skill.md").read_text(encoding="utf-8")
