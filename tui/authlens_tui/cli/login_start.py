"""`authlens login` until its secret store has proved that it works; the login itself loads meanwhile."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from authlens_core.errors import LoginNeeded, NoSecretStore, TimedOut, UsageError
from authlens_core.secret import Secret
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.interruption import ended_by
from authlens_tui.cli.terminal.no_input import can_paste
from authlens_tui.cli.urls import checked_url


def _load() -> None:
    import authlens_tui.cli.login  # noqa: F401


async def login(arguments: Namespace, secret: Secret | None) -> int:
    """Log in and return the exit code.

    Args:
        arguments: what was typed.
        secret: the secret of the client, if it has one.

    Raises:
        UsageError: the URL cannot be used, or there is no way back.
        NoSecretStore: there is no place for what would be received; nothing was sent.
    """
    url = checked_url(arguments.url)
    if arguments.paste_only and not arguments.device and not can_paste():
        raise UsageError(
            "--paste-only needs a terminal to paste the address into.",
            "Run it in a terminal, or omit --paste-only.",
        )
    try:
        async with open_session(prove_keyring=True, loads=_load) as session:
            from authlens_tui.cli.login import log_in

            return await log_in(session, url, arguments, secret)
    except (NoSecretStore, TimedOut, LoginNeeded) as error:
        from authlens_tui.cli.login import failed

        return failed(error, as_json=arguments.json)
    except asyncio.CancelledError:
        from authlens_tui.cli.login import INTERRUPTED, stopped

        stopped(ended_by() or INTERRUPTED, as_json=arguments.json)
        raise
