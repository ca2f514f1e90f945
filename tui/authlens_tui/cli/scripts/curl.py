"""`authlens curl`: one request by curl, with the credential from a pipe, never in an argument."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import NoReturn

from authlens_core.desk.programs import curl_call
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import say
from authlens_tui.cli.urls import checked_url


async def curl(arguments: Namespace) -> Callable[[], NoReturn]:
    """Return what makes this process curl, with the credential that covers the URL.

    Raises:
        UsageError: curl is not installed, or an argument is not passed on to it.
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there is no credential to be had.
    """
    url = checked_url(arguments.url)
    call = await curl_call(open_session, url, arguments.arguments, **choice(arguments))
    if call.note:
        say(call.note)
    return call.run
