"""`authlens curl`: one request by curl, with the credential from a pipe, never in an argument."""

from __future__ import annotations

from argparse import Namespace

from authlens_core.desk import programs
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import BESIDE, end_line, explain, say
from authlens_tui.cli.urls import checked_url


async def curl(arguments: Namespace) -> int:
    """Run curl, and say what its answer means where that is a refusal.

    Raises:
        UsageError: curl is not installed, or an argument is not passed on to it.
        LoginNeeded: a user has to log in, and can.
        AuthlensError: the other reasons why there is no credential to be had.
    """

    def note(words: str) -> None:
        say(f"{BESIDE}{words}")

    url = checked_url(arguments.url)
    done = await programs.curl(open_session, url, arguments.arguments, note=note, **choice(arguments))
    if done.problem is not None:
        if done.line_open:
            end_line()
        explain(done.problem, url=url, sign=BESIDE)
    return done.code
