"""Credential helpers for other programs: `authlens git-credential`, and `authlens credential-helper`."""

from __future__ import annotations

import sys
from argparse import Namespace

from authlens_core.desk.programs import answer_git, answer_helper_request
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_secret, explain, say
from authlens_tui.cli.terminal.standard_input import piped

_LONGEST = 65_536  # bytes of a request of Bazel


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


async def credential_helper(arguments: Namespace) -> int:
    """Answer one request of Bazel, EngFlow or uv.

    Raises:
        UsageError: standard input holds no request.
        LoginNeeded: there is a credential for the address that a user has to renew.
    """
    answer_secret(await answer_helper_request(open_session, piped(_LONGEST), **choice(arguments)))
    return 0
