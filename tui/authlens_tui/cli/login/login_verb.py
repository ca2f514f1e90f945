"""`authlens login`: one login after another, and the events of each for a program.

A login itself loads while its secret store shows that it works.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from authlens_core.values.errors import LoginNeeded, NoSecretStore
from authlens_tui.cli import INTERRUPTED
from authlens_tui.cli.login.login_arguments import checked_options, options_given
from authlens_tui.cli.option_values import checked_urls
from authlens_tui.cli.session import in_turn, open_session
from authlens_tui.cli.terminal.flags import no_input
from authlens_tui.cli.terminal.interruption import ended_by, exit_on_signals
from authlens_tui.cli.terminal.output import EventLines, say
from authlens_tui.cli.terminal.refused import login_needed, say_command

if TYPE_CHECKING:
    from authlens_core.values.login_options import Options


def _load() -> None:
    import authlens_tui.cli.login.plain_login  # noqa: F401


def login(arguments: Namespace) -> Coroutine[Any, Any, int]:
    """Return the work of logging in to each URL, after its secrets were asked for.

    Raises:
        UsageError: a URL cannot be used, a secret cannot be asked for or read or belongs to no client, or the
            callback cannot come back.
    """
    # A program's login asks no one for anything.
    if no_input() and arguments.machine is None:
        return _stored_logins(arguments)
    if arguments.cloudflared:
        from authlens_tui.cli.login.with_cloudflared import cloudflared_login

        return cloudflared_login(arguments)
    exit_on_signals()
    urls = checked_urls(arguments.urls)
    # Before there is a loop: a prompt blocks, and Ctrl-C has to end it at once.
    options = checked_options(arguments, urls)
    return _log_in(urls, arguments, options)


async def _stored_logins(arguments: Namespace) -> int:
    """Report for each URL whether there is a working login, and refresh it if necessary."""
    more = ["--cloudflared"] if arguments.cloudflared else []
    urls = checked_urls(arguments.urls)
    async with open_session() as session:
        from authlens_core.desk.use import request_headers

        async def find(url: str) -> int:
            try:
                headers = await request_headers(session, url)
                if headers.ended:
                    raise login_needed(headers.ended, "Log in again.")
            except LoginNeeded as error:
                say_command(error, ["login", url, *more])
                return error.exit_code
            say("Already logged in.")
            return 0

        return await in_turn(urls, find)


async def _log_in(urls: Sequence[str], arguments: Namespace, options: Options) -> int:
    """Log in to each URL and return the exit code."""
    lines = EventLines(urls[0], is_requested=arguments.json, options=options_given(arguments, options))
    try:
        async with open_session(prove_keyring=True, loads=_load) as session:
            from authlens_tui.cli.login.plain_login import log_in

            async def log_in_to(url: str) -> int:
                lines.url = url
                return await log_in(session, lines, arguments, options)

            return await in_turn(urls, log_in_to)
    except NoSecretStore as error:
        from authlens_tui.cli.login.plain_login import failed

        return failed(error, lines)
    # A program that reads the events learns of the end before its pipe closes.
    except asyncio.CancelledError:
        lines.stopped(ended_by() or INTERRUPTED)
        raise
