"""`authlens login` until its secret store has shown that it works; the login itself loads meanwhile."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from authlens_core.trace.flow import UserPart, flow_of
from authlens_core.values.errors import LoginNeeded, NoSecretStore, UsageError
from authlens_core.values.fix import GivenOptions, filled, given_options, step
from authlens_core.values.login_options import OPTIONS, Kind, Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import PROGRAMS
from authlens_tui.cli.login.in_turn import EventLines, in_turn
from authlens_tui.cli.login.login_arguments import login_options, login_secrets
from authlens_tui.cli.option_values import checked_urls
from authlens_tui.cli.session import open_session
from authlens_tui.cli.start import INTERRUPTED
from authlens_tui.cli.terminal.flags import no_input
from authlens_tui.cli.terminal.interruption import ended_by, exit_on_signals
from authlens_tui.cli.terminal.output import is_terminal, say
from authlens_tui.cli.terminal.refused import login_needed, refusal, say_command


def _refuse_what_is_for_one(arguments: Namespace) -> None:
    """Refuse to give each of several servers what was meant for one: a client's secret, or a confirmation."""
    given = [
        option.flag for option in OPTIONS.values() if option.for_one and getattr(arguments, option.argument)
    ]
    if arguments.yes:
        given.append("--yes")
    if given:
        raise refusal(
            f"With several URLs, each server would get what {' and '.join(given)} says.",
            "Log in to that URL with a command of its own.",
        )


def _require_all_of_a_program(arguments: Namespace, options: Options, url: str) -> None:
    """Refuse, before anything is sent, the login of a program that does not name all that it needs.

    Raises:
        UsageError: something is missing, or there are two places of an assertion.
    """
    program = PROGRAMS.get(options.grant_type)
    if program is None or not (missing := program.missing(options)):
        return
    # Two places of one thing are not repeated.
    twice = {OPTIONS[name].flag for need in missing if need.given(options) for name in need.options}
    given = tuple(option for option in _given(arguments, options) if option[0] not in twice)
    wanted = " ".join(need.example for need in missing)
    again = filled(step("Name what is missing", f"authlens login URL {wanted}"), url, given)
    names = ", and ".join(need.missing for need in missing)
    raise UsageError(f"This login of a program names {names}.", again)


def _given(arguments: Namespace, options: Options) -> GivenOptions:
    """Return the options that were typed and that another try needs as well."""
    # A secret of the environment is there again without an option.
    secret = (option for option in OPTIONS.values() if option.kind is Kind.SECRET)
    unasked: dict[str, Any] = {o.name: None for o in secret if not getattr(arguments, o.argument)}
    typed = replace(options, **unasked)
    given = given_options(typed, key_file=arguments.client_key or "")
    return (*given, *(("--yes", name) for name in arguments.yes))


def _load() -> None:
    import authlens_tui.cli.login.plain_login  # noqa: F401


def login(arguments: Namespace) -> Coroutine[Any, Any, int]:
    """Return the work of logging in to each URL, after its secrets were asked for.

    Raises:
        UsageError: a secret cannot be asked for or read, or belongs to no client.
    """
    # A program's login asks no one for anything.
    if no_input() and arguments.machine is None:
        return _stored_logins(arguments)
    if arguments.cloudflared:
        from authlens_tui.cli.login.with_cloudflared import cloudflared_login

        return cloudflared_login(arguments)
    exit_on_signals()
    # Before there is a loop: a prompt blocks, and Ctrl-C has to end it at once.
    return _log_in(arguments, login_secrets(arguments))


async def _stored_logins(arguments: Namespace) -> int:
    """Report for each URL whether there is a login that works, refreshed if need be."""
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


async def _log_in(arguments: Namespace, secrets: Mapping[str, Secret]) -> int:
    """Log in to each URL and return the exit code; `secrets` are under the names of their options.

    Raises:
        UsageError: a URL cannot be used, or the callback cannot come back.
    """
    urls = checked_urls(arguments.urls)
    if len(urls) > 1:
        _refuse_what_is_for_one(arguments)
    options = login_options(arguments, secrets)
    _require_all_of_a_program(arguments, options, urls[0])
    comes_back = flow_of(options.grant_type).user_part is UserPart.LINK
    if comes_back and not options.listens and not is_terminal(sys.stdin):
        given = "--redirect-uri" if options.listen else "--paste-only"
        raise refusal(
            f"{given} needs a terminal{' for https' if options.listen else ''} to paste the address into.",
            f"Run it in a terminal, or omit {given}.",
        )
    lines = EventLines(urls[0], wanted=arguments.json, options=_given(arguments, options))
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
        from authlens_tui.cli.login.plain_login import stopped

        stopped(ended_by() or INTERRUPTED, lines)
        raise
