"""`authlens token`: the access token alone on stdout; refreshed if it would not last. No browser, ever."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from datetime import timedelta

from authlens_core.credentials.access_token import access_token
from authlens_core.credentials.grants import Credentials, NoLogin
from authlens_core.errors import UsageError
from authlens_core.secret import Secret
from authlens_tui.cli.output import answer_secret
from authlens_tui.cli.session import checked_url, open_session

__all__ = ["token"]

_LONGEST = 65_536  # characters of a token on standard input


async def token(arguments: Namespace) -> int:
    """Print the token that lasts for at least `--min-ttl` seconds.

    With `--refused`, the token that the resource refused is read from standard input, and renewed whatever
    the clock says; if another program has done so already, its token is printed.

    Raises:
        LoginNeeded: a person has to log in.
        AuthlensError: the other reasons why there is none to be had.
    """
    url = checked_url(arguments.url)
    wanted = None if arguments.min_ttl is None else timedelta(seconds=arguments.min_ttl)
    refused = _refused_token() if arguments.refused else None
    async with open_session() as session:
        try:
            found = await access_token(
                session.credentials, session.wire, url, min_ttl=wanted, refused=refused
            )
            answer_secret(found)
        except NoLogin:
            _refuse_other_kinds(session.credentials, url)
            raise
    return 0


def _refused_token() -> Secret:
    """Read the token from standard input.

    Raises:
        UsageError: there is none.
    """
    text = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.readline(_LONGEST)
    if not text.strip():
        raise UsageError(
            "No refused token came on standard input.",
            'Pipe it in: printf %s "$TOKEN" | authlens token --refused URL',
        )
    return Secret(text.strip())


def _refuse_other_kinds(credentials: Credentials, url: str) -> None:
    """Refuse where only another kind of credential covers the URL: it goes in other header fields.

    Raises:
        UsageError: with the verb that serves.
    """
    from authlens_core.credentials.request_headers import credential_kinds

    kinds = credential_kinds(credentials, url)
    if kinds:
        name = {"service-token": "a service token", "cloudflared": "a token of cloudflared"}[kinds[0].value]
        raise UsageError(
            f"What opens {url} is {name}, which is no access token and goes in header fields of its own.",
            f"Use: authlens headers {shlex.quote(url)}     Or: authlens curl {shlex.quote(url)}",
        )
