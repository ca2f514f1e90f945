"""`authlens token`: the access token alone on stdout; refreshed if it would not last. No browser, ever."""

from __future__ import annotations

import sys
from argparse import Namespace
from datetime import timedelta

from authlens_core.desk.use import access_token
from authlens_core.values.errors import NoLogin, UsageError
from authlens_core.values.secret import Secret
from authlens_tui.cli.scripts.credential_choice import say_bound
from authlens_tui.cli.session import open_session
from authlens_tui.cli.stored.other_kinds import Wanted, refuse_other_kinds
from authlens_tui.cli.terminal.output import answer_secret, is_terminal
from authlens_tui.cli.terminal.standard_input import next_line
from authlens_tui.cli.urls import checked_url

_LONGEST = 65_536  # bytes of a token on standard input


async def token(arguments: Namespace) -> int:
    """Print the token that lasts for at least `--min-ttl` seconds.

    With `--refused`, the token that the resource refused is read from standard input, and renewed whatever
    the clock says; if another program has done so already, its token is printed.

    Raises:
        LoginNeeded: a user has to log in.
        AuthlensError: the other reasons why there is none to be had.
    """
    url = checked_url(arguments.url)
    min_ttl = None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl)
    refused = _refused_token() if arguments.refused else None
    async with open_session() as session:
        try:
            usable = await access_token(session, url, min_ttl=min_ttl, refused=refused)
            if usable.is_bound:
                say_bound(url, "each request needs a proof besides it.")
            answer_secret(usable.token)
        except NoLogin:
            refuse_other_kinds(session, url, Wanted.TOKEN)
            raise
    return 0


def _refused_token() -> Secret:
    text = "" if is_terminal(sys.stdin) else next_line(_LONGEST)
    if not text.strip():
        raise UsageError(
            "No refused token came on standard input.",
            'Pipe it in: printf %s "$TOKEN" | authlens token --refused URL',
        )
    return Secret(text.strip())
