"""`authlens login`: the login on a plain terminal, with the same ways back as the wizard."""

from __future__ import annotations

import asyncio
import getpass
import os
import socket
import sys
from argparse import Namespace
from collections.abc import Mapping

from authlens_core.callback.ssh_forward import ssh_forward_line
from authlens_core.errors import AuthlensError, TimedOut
from authlens_core.login.events import AuthorizationReady, Event
from authlens_core.login.facts import Options
from authlens_core.login.login import Login
from authlens_core.login.verdict import verdict
from authlens_core.secret import Secret
from authlens_core.trace.record import Outcome, StageRecord
from authlens_tui.browser import may_open_browser, open_browser
from authlens_tui.cli.conversation import tell
from authlens_tui.cli.json_events import event_as_json
from authlens_tui.cli.output import answer_json, explain, say
from authlens_tui.cli.session import checked_url, open_session

__all__ = ["login", "options_from"]

_INTERRUPTED = 130


def options_from(arguments: Namespace, environ: Mapping[str, str]) -> Options:
    """Return the options of a login; a client secret comes from the environment, never from an argument."""
    secret = environ.get("AUTHLENS_CLIENT_SECRET")
    return Options(
        port=arguments.port,
        redirect_host=arguments.redirect_host,
        client_id=arguments.client_id,
        client_secret=Secret(secret) if secret and arguments.client_id else None,
        client_metadata_url=arguments.client_metadata_url,
        scope=arguments.scope,
        resource=arguments.resource,
        issuer=arguments.issuer,
        method=arguments.method,
        wait=arguments.timeout,
    )


async def login(arguments: Namespace) -> int:
    """Log in and return the exit code."""
    url = checked_url(arguments.url)
    async with open_session(probe=True) as session:
        run = session.login(url, options_from(arguments, os.environ))
        run.watch(_Teller(run, arguments, os.environ).hear)
        try:
            return await _all_stages(run, approve=arguments.yes, quiet=arguments.json)
        finally:
            await run.aclose()


async def _all_stages(run: Login, *, approve: bool, quiet: bool) -> int:
    while not run.finished:
        record = await run.step()
        while record.outcome is Outcome.FAILED and approve:
            again = await _override(run, record)
            if again is None:
                break
            record = again
        if record.outcome is Outcome.CANCELLED:
            return _INTERRUPTED
        error = verdict(record)
        if error is not None:
            return _failed(error, quiet=quiet)
    if not quiet:
        say(f"Authenticated. authlens token {run.facts.resource_url.text} prints the access token.")
    return 0


async def _override(run: Login, record: StageRecord) -> StageRecord | None:
    overridable = next((c for c in record.failures if c.overridable), None)
    if overridable is None:
        return None
    say(f"    going on, as --yes says, in spite of: {overridable.expected}")
    return await run.override(overridable.name)


def _failed(error: AuthlensError, *, quiet: bool) -> int:
    explain(error)
    if quiet:
        answer_json({"event": "failed", "stage": error.stage, "cause": error.cause, "cure": error.cure})
    if isinstance(error, TimedOut):
        say("  → More time: --timeout 900")
    return error.exit_code


class _Teller:
    """Tells what happens, as words or as JSON, and offers the ways back when the link is ready."""

    def __init__(self, run: Login, arguments: Namespace, environ: Mapping[str, str]) -> None:
        self._run = run
        self._json = arguments.json
        self._browser = not arguments.no_browser
        self._environ = environ
        self._reading: asyncio.Task[None] | None = None

    def hear(self, event: Event) -> None:
        """Tell one event."""
        if self._json:
            line = event_as_json(event)
            if line is not None:
                answer_json(line)
        else:
            tell(event)
        if isinstance(event, AuthorizationReady):
            self._offer(event)

    def _offer(self, ready: AuthorizationReady) -> None:
        asked = sys.stdin.isatty() or bool(self._environ.get("BROWSER"))
        opened = (
            self._browser
            and asked
            and may_open_browser(self._environ)
            and open_browser(ready.url, self._environ)
        )
        say(
            "  Open this link and sign in:"
            if not opened
            else "  A browser should show the sign-in. If not, open:"
        )
        say(f"\n{ready.url}\n")
        listener = self._run.wait.listener
        port = listener.port if listener is not None else 0
        line = ssh_forward_line(self._environ, port, _user(), socket.gethostname())
        if line is not None:
            say("  Browser on another machine? Run this there first, in a second terminal:")
            say(f"    {line}")
        if sys.stdin.isatty():
            say("  Or paste the address that the browser ends on here, and press Enter.")
            self._listen_to_stdin()
        say(f"  Waiting {ready.seconds:.0f} seconds. Ctrl-C stops.")

    def _listen_to_stdin(self) -> None:
        """Read pasted lines as they come, without a thread that could hold up the exit."""
        loop = asyncio.get_running_loop()
        try:
            loop.add_reader(sys.stdin.fileno(), self._pasted)
        except (OSError, ValueError, NotImplementedError):
            return

    def _pasted(self) -> None:
        line = sys.stdin.readline()
        if not line or not self._run.wait.waiting:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            return
        if not line.strip():
            return
        response = self._run.paste(Secret(line))
        if response.code is None and response.error is None:
            reason = response.checks[-1]
            say(f"    That is not it: {reason.seen}. {reason.cure}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
