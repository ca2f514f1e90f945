"""`authlens token`: the access token alone on stdout; refreshed if it would not last. No browser, ever."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta

from authlens_core.credentials.access_token import access_token
from authlens_tui.cli.output import answer_secret
from authlens_tui.cli.session import checked_url, grant_for, open_session

__all__ = ["token"]


async def token(arguments: Namespace) -> int:
    """Print the token that lasts for at least `--min-ttl` seconds.

    Raises:
        LoginNeeded: a person has to log in.
        AuthlensError: the other reasons why there is none to be had.
    """
    url = checked_url(arguments.url)
    async with open_session() as session:
        grant_for(session.credentials, url)
        wanted = timedelta(seconds=arguments.min_ttl)
        answer_secret(await access_token(session.credentials, session.wire, url, min_ttl=wanted))
    return 0
