"""`authlens git-credential`: a credential helper for git (gitcredentials(7)), for Bearer tokens."""

from __future__ import annotations

import sys
from argparse import Namespace

from authlens_core.desk.programs import answer_git
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret, explain, say


async def git_credential(arguments: Namespace) -> int:
    """Do what git asks for: `get` or `erase`; ignore every other operation, as gitcredentials(7) asks."""
    request = None if sys.stdin is None else sys.stdin.buffer
    answer = await answer_git(open_session, arguments.action, request)
    if answer.error is not None:
        explain(answer.error)
    for note in answer.notes:
        say(note)
    if answer.output is not None:
        answer_secret(answer.output)
    return answer.exit_code
