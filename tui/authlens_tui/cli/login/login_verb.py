"""`authlens login`: one login after another, and the events of each for a program.

A login itself loads while its secret store shows that it works.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from authlens_core.values.errors import AuthlensError, LoginNeeded, NoSecretStore, gravest
from authlens_core.values.login_command import GivenOptions, filled
from authlens_tui.cli.login.login_arguments import checked_options, options_given
from authlens_tui.cli.option_values import checked_urls
from authlens_tui.cli.session import open_session
from authlens_tui.cli.start import INTERRUPTED
from authlens_tui.cli.terminal.flags import no_input, numbered
from authlens_tui.cli.terminal.interruption import ended_by, exit_on_signals
from authlens_tui.cli.terminal.output import AnswerLost, answer_json, discard, fix_as_json, report_error, say
from authlens_tui.cli.terminal.refused import login_needed, say_command

if TYPE_CHECKING:
    from authlens_core.values.login_options import Options

_SIGNALS: Final = 128  # an exit code above it: a signal ended the login, and with it the command


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


async def in_turn(urls: Sequence[str], log_in: Callable[[str], Awaitable[int]]) -> int:
    """Log in to each URL and return the gravest exit code; a failure does not stop the next login.

    Ctrl-C stops all of them.

    Raises:
        AnswerLost: no one reads the answer, so the rest would be lost as well.
    """
    codes: dict[str, int] = {}
    for number, url in enumerate(urls, 1):
        if len(urls) > 1:
            say(f"Login {number} of {len(urls)}: {url}")
        try:
            codes[url] = await log_in(url)
        # The reader is gone, and so would be the answers of all the other logins.
        except AnswerLost:
            raise
        except AuthlensError as error:
            report_error(error, url=url)
            codes[url] = error.exit_code
        # Ctrl-C is meant for the command, not for this one login of it.
        if codes[url] > _SIGNALS:
            return codes[url]
    if len(urls) > 1:
        _sum_up(codes)
    return gravest(codes.values())


def _sum_up(codes: Mapping[str, int]) -> None:
    failed = {url: code for url, code in codes.items() if code}
    say(f"{len(codes) - len(failed)} of {len(codes)} logins succeeded.")
    for line in numbered(f"{url}: exit code {code}" for url, code in failed.items()):
        say(f"  {line}")


class EventLines:
    """Writes the events of a login on stdout, each with the URL of its resource.

    Args:
        url: the resource.
        is_requested: false for a login that is reported in words: nothing is written.
        options: those that the login was given, for the commands that lead on from a failure.
    """

    def __init__(self, url: str, *, is_requested: bool, options: GivenOptions = ()) -> None:
        self.url = url
        self.is_requested = is_requested
        self.options = options

    def write(self, event: Mapping[str, object]) -> None:
        """Write one event.

        Raises:
            AnswerLost: it could not be written.
        """
        if self.is_requested:
            answer_json({**event, "resource_url": self.url})

    def stopped(self, code: int) -> int:
        """End the events after a signal, because their reader may live on; return the code."""
        try:
            self.write({"event": "stopped", "exit_code": code})
        except (AnswerLost, BrokenPipeError):  # the same Ctrl-C has ended the reader
            discard(sys.stdout)
        return code

    def failed(self, error: AuthlensError) -> int:
        """Show why the login failed and what to do, in words and as an event; return the exit code.

        Raises:
            AnswerLost: the event could not be written.
        """
        error.cure = filled(error.cure, self.url, self.options)
        report_error(error)
        self.write(
            {
                "event": "failed",
                "stage": error.stage,
                "cause": error.cause,
                **fix_as_json(error.cure),
                "exit_code": error.exit_code,
            }
        )
        return error.exit_code
