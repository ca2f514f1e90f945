"""`authlens login URL --cloudflared`: the login to a resource without Managed OAuth."""

from __future__ import annotations

import shlex
from argparse import Namespace
from functools import partial

from authlens_core.desk.cloudflared_login import CloudflaredOutcome, log_in_with_cloudflared
from authlens_core.desk.log_in import BROWSER_WAIT
from authlens_core.desk.session import AuthlensError
from authlens_core.trace.events import (
    CloudflaredEvent,
    LinkShown,
    OtherProcessWaiting,
    PrintedLine,
    ProcessStarted,
)
from authlens_tui.cli.option_values import checked_urls
from authlens_tui.cli.session import in_turn, iso_time, open_session
from authlens_tui.cli.terminal.output import EventLines, fix_as_json, report_error, say


async def cloudflared_login(arguments: Namespace) -> int:
    """Log in to each URL with cloudflared; return the exit code.

    Raises:
        UsageError: a URL cannot be used.
    """
    urls = checked_urls(arguments.urls)
    bound = arguments.timeout or BROWSER_WAIT
    return await in_turn(urls, lambda url: _log_in(EventLines(url, is_requested=arguments.json), bound))


async def _log_in(lines: EventLines, bound: float) -> int:
    """Log in with cloudflared, and report how the resource answers its token.

    Raises:
        NoSecretStore: the state directory cannot be used.
    """
    # Only the history is written: no passphrase has to be asked for.
    async with open_session(needs_secrets=False) as session:
        try:
            outcome = await log_in_with_cloudflared(
                session, lines.url, on_event=partial(_tell, lines), wait=bound
            )
        except AuthlensError as error:
            return lines.failed(error)
    return _report(lines, outcome)


def _tell(lines: EventLines, event: CloudflaredEvent) -> None:
    """Report what happened, in words on stderr or as a JSON line on stdout."""
    if lines.is_requested:
        lines.write(_as_json(event))
        return
    match event:
        case ProcessStarted(command, version, notes):
            say(f"cloudflared {version} runs: {command}")
            for note in notes:
                say(f"! {note}")
        case LinkShown(url):
            say("")
            say("  Open this link in a browser, on this or any other machine, and sign in:")
            for line in ("", url, ""):
                say(line)
        case OtherProcessWaiting(pid):
            say(f"! Another cloudflared (process {pid}) is waiting for the same login: finish that one.")
        case PrintedLine():
            pass  # the link is in it; what matters of it comes as an event, or as the cause of a failure


def _report(lines: EventLines, outcome: CloudflaredOutcome) -> int:
    """Report how the resource answered the token, and where the token is."""
    probe = outcome.probe
    lines.write(
        {
            "event": "authenticated" if probe.accepted else "not verified",
            "accepted": probe.accepted,
            "summary": probe.summary,
            **fix_as_json(probe.cure, lines.url),
            "kept_at": None if outcome.kept_at is None else str(outcome.kept_at),
            "expires_at": iso_time(outcome.expires_at),
        }
    )
    if probe.error_type is not None:
        report_error(probe.error_type(probe.summary, probe.cure, stage="Probe"), url=lines.url)
        return probe.exit_code
    if not lines.is_requested:
        say("Authenticated.")
    if outcome.kept_at is None:
        say("! cloudflared stored no copy of this token, so it is lost.")
    elif not lines.is_requested:
        say(f"  cloudflared stored the token: {outcome.kept_at}")
        say(f"  → For a script: authlens headers {shlex.quote(lines.url)}")
    return 0


def _as_json(event: CloudflaredEvent) -> dict[str, object]:
    match event:
        case ProcessStarted(command, version, notes, pid):
            members = {"command": command, "version": version, "pid": pid}
            return {"event": "cloudflared started", **members, "notes": list(notes)}
        case LinkShown(url):
            return {"event": "link", "url": url}
        case OtherProcessWaiting(pid):
            return {"event": "another waits", "pid": pid}
        case PrintedLine(line):
            return {"event": "cloudflared said", "line": line}
