"""`authlens proxy`: the protected resource on this machine, with the credential added."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from authlens_core.desk.programs import proxy as running_proxy
from authlens_tui.cli.scripts.credential_choice import choice
from authlens_tui.cli.session import open_session
from authlens_tui.cli.terminal.output import answer_line, explain, is_terminal, say, say_over
from authlens_tui.cli.terminal.plain import is_plain
from authlens_tui.cli.urls import checked_url

if TYPE_CHECKING:
    from authlens_core.desk.programs import LocalProxy


async def proxy(arguments: Namespace) -> int:
    """Serve until a signal comes; the first line on stdout is the local URL.

    Raises:
        UsageError: the URL, the port or the socket cannot be used.
        LoginNeeded: there is no credential for the URL.
    """
    url, path = checked_url(arguments.url), None if arguments.socket is None else Path(arguments.socket)
    listening = {"port": arguments.port, "socket_path": path}
    async with (
        open_session() as session,
        running_proxy(session, url, **listening, on_problem=explain, **choice(arguments)) as served,
    ):
        answer_line(served.url)
        say(f"Serving {served.resource} with your credential to programs on this machine. Ctrl-C stops it.")
        status = asyncio.create_task(_show_status(served))
        try:
            await served.serve()
        finally:
            status.cancel()
            if _moves_cursor():
                say_over("")  # the last status is written over, whatever of ^C is beside it
            say(_status(served))
    return 0


def _status(served: LocalProxy) -> str:
    counters = served.counters
    words = f"requests {counters.requests} · refreshes {served.refreshes} · errors {counters.errors}"
    return f"{words} · {counters.last_error}" if counters.last_error else words


def _moves_cursor() -> bool:
    return is_terminal(sys.stderr) and not is_plain()


async def _show_status(served: LocalProxy) -> None:
    """Write the status when it has changed: over itself on a terminal, else at most every ten seconds."""
    on_terminal = _moves_cursor()
    shown = _status(served)
    while True:
        await asyncio.sleep(1.0 if on_terminal else 10.0)
        words = _status(served)
        if words != shown:
            shown = words
            (say_over if on_terminal else say)(words)
