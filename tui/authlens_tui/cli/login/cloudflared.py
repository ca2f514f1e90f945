"""`authlens login URL --cloudflared`: the way in where a resource has no Managed OAuth."""

from __future__ import annotations

import shlex
from argparse import Namespace

from authlens_core.cloudflared.login import (
    TIMEOUT,
    CloudflaredEvent,
    CloudflaredLogin,
    LinkShown,
    OtherProcessWaiting,
    PrintedLine,
    ProcessStarted,
    run_login,
)
from authlens_core.credentials.inventory.probe import probe_jwt
from authlens_core.credentials.records.access_kind import AccessKind
from authlens_core.desk.lifecycle import ProbeResult
from authlens_core.values.errors import AuthlensError
from authlens_tui.cli.login.event_lines import EventLines
from authlens_tui.cli.login.in_turn import in_turn
from authlens_tui.cli.session import iso_time, open_session
from authlens_tui.cli.terminal.output import explain, say
from authlens_tui.cli.urls import checked_urls


async def cloudflared_login(arguments: Namespace) -> int:
    """Have cloudflared log in to each URL; return the exit code.

    Raises:
        UsageError: a URL cannot be used.
    """
    urls = checked_urls(arguments.urls)
    bound = arguments.timeout or TIMEOUT
    return await in_turn(urls, lambda url: _log_in(EventLines(url, wanted=arguments.json), bound))


async def _log_in(lines: EventLines, bound: float) -> int:
    """Have cloudflared log in, then ask the resource with its token.

    Raises:
        NoSecretStore: the state directory cannot be used.
    """
    url = lines.url
    console = _CloudflaredConsole(lines)
    try:
        login = await run_login(url, timeout=bound, events=console.on_event)
    except AuthlensError as error:
        return console.failed(error)
    async with open_session() as session:
        # Some versions store nothing, or elsewhere: then the token exists in this process alone.
        token_id = "" if login.file is None else login.file.token_id
        session.credentials.record(AccessKind.LOGIN, token_id, f"{url}, with cloudflared")
        said = await probe_jwt(session.credentials, session.wire, url, login.token, token_id)
    return console.ended(login, said)


class _CloudflaredConsole:
    """Reports a login by cloudflared, in words on stderr or as JSON lines on stdout."""

    def __init__(self, lines: EventLines) -> None:
        self._lines = lines

    def on_event(self, event: CloudflaredEvent) -> None:
        if self._lines.wanted:
            self._lines.write(_as_json(event))
            return
        match event:
            case ProcessStarted(command, cloudflared, _):
                say(f"cloudflared {cloudflared.shown} runs: {command}")
                for note in cloudflared.notes:
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

    def failed(self, error: AuthlensError) -> int:
        explain(error)
        self._lines.write(
            {"event": "failed", "cause": error.cause, "cure": error.cure, "exit_code": error.exit_code}
        )
        return error.exit_code

    def ended(self, login: CloudflaredLogin, said: ProbeResult) -> int:
        """Report how the resource answered the token, and where the token is."""
        self._lines.write(
            {
                "event": "authenticated" if said.accepted else "not verified",
                "accepted": said.accepted,
                "summary": said.summary,
                "cure": said.cure,
                "kept_at": None if login.kept_at is None else str(login.kept_at),
                "expires_at": None if login.file is None else iso_time(login.file.expires_at),
            }
        )
        if said.error_type is not None:
            explain(said.error_type(said.summary, said.cure, stage="Probe"))
            return said.exit_code
        if not self._lines.wanted:
            say("Authenticated.")
        if login.kept_at is None:
            say("! cloudflared stored no copy of this token, so it is lost.")
        elif not self._lines.wanted:
            say(f"  cloudflared stored the token: {login.kept_at}")
            say(f"  → For a script: authlens headers {shlex.quote(login.url)}")
        return 0


def _as_json(event: CloudflaredEvent) -> dict[str, object]:
    match event:
        case ProcessStarted(command, cloudflared, pid):
            shown = {"command": command, "version": cloudflared.shown, "pid": pid}
            return {"event": "cloudflared started", **shown, "notes": list(cloudflared.notes)}
        case LinkShown(url):
            return {"event": "link", "url": url}
        case OtherProcessWaiting(pid):
            return {"event": "another waits", "pid": pid}
        case PrintedLine(line):
            return {"event": "cloudflared said", "line": line}
