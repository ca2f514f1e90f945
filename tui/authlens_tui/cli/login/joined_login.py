"""Joining a login that another process runs: its link is shown here too, and its end is ours."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from authlens_core.credentials.records.grant import GrantState
from authlens_core.credentials.vault.credentials import Credentials
from authlens_core.session.pending_login import PendingLogin
from authlens_core.values.errors import LoginNeeded, TimedOut
from authlens_tui.cli.login.event_lines import EventLines
from authlens_tui.cli.session import iso_time
from authlens_tui.cli.terminal.output import say

# Seconds between two looks for the link, which the other process writes to a file.
_LOOK = 0.25


async def join(pending: PendingLogin, credentials: Credentials, lines: EventLines, *, bound: float) -> int:
    """Wait for the login of another process; return the exit code.

    Raises:
        TimedOut: it lasts longer than `bound` seconds.
        LoginNeeded: it has ended without a token.
    """
    started_at = datetime.now(UTC)
    say("Another login for this resource is in progress; this one joins it.")
    showing = asyncio.create_task(_show_link(pending, bound, lines))
    try:
        if not await pending.over(bound):
            raise TimedOut(f"The other login did not finish within {bound:.0f} seconds.", "Try again.")
    finally:
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing
    grant = credentials.find(pending.url)
    # Its tokens were asked for before its lock was free, and may have been before we came.
    if (
        grant is None
        or grant.state is not GrantState.LIVE
        or grant.obtained_at < started_at - timedelta(minutes=1)
    ):
        raise LoginNeeded("The other login ended without a token.", "Log in again.")
    lines.write(
        {"event": "authenticated", "expires_at": iso_time(grant.expires_at), "kept": True, "exit_code": 0}
    )
    if not lines.wanted:
        say("Authenticated.")
    return 0


async def _show_link(pending: PendingLogin, bound: float, lines: EventLines) -> None:
    while True:
        link = pending.link()
        if link:
            break
        await asyncio.sleep(_LOOK)
    lines.write({"event": "authorization_url", "url": link, "seconds": bound})
    if not lines.wanted:
        say("  Sign in with this link of the other login:")
        for line in ("", link, ""):
            say(line)
