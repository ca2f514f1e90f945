"""`authlens token`: the access token alone on stdout; refreshed if it would not last. No browser, ever."""

from __future__ import annotations

from argparse import Namespace
from datetime import timedelta

from authlens_core.credentials.access_token import access_token
from authlens_tui.cli.output import answer_secret
from authlens_tui.cli.session import checked_url, open_session

__all__ = ["token"]


async def token(arguments: Namespace) -> int:
    """Print the token that lasts for at least `--min-ttl` seconds."""
    async with open_session(probe=False) as session:
        secret = await access_token(
            session.credentials,
            session.wire,
            checked_url(arguments.url),
            min_ttl=timedelta(seconds=max(0.0, arguments.min_ttl)),
        )
        answer_secret(secret)
    return 0
