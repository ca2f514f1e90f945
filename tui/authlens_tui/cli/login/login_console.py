"""Reporting a login as it happens, in words or as JSON, and offering the ways back when the link is ready."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Final

from authlens_core.desk.callback_offer import CallbackOffer, UserScreen, callback_offer
from authlens_core.desk.log_in import AuthorizationReady, DeviceCodeReady, Event, Login, Stage, StageEnded
from authlens_core.values.fix import fix, step
from authlens_core.values.secret import Secret
from authlens_tui.cli.login.login_events import event_as_json, tell
from authlens_tui.cli.terminal.flags import numbered
from authlens_tui.cli.terminal.output import EventLines, is_terminal, say, say_fix
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.quiet_terminal import PasteReader

_SILENCE: Final = 0.3  # seconds after which a paste is over: a connection may deliver it in pieces

_BARE_CODE: Final = fix(
    "A code that someone gave you would log you in to their account.",
    step("If it is from the page that this link led to", "authlens login URL --any-state"),
)


class LoginConsole:
    """The console of one login; `close()` restores the terminal."""

    def __init__(
        self, run: Login, arguments: Namespace, lines: EventLines, environ: Mapping[str, str]
    ) -> None:
        self._run = run
        self._lines = lines
        self._browser: bool = not arguments.no_browser
        self._full: bool = arguments.full
        self._environ = environ
        self._reader = PasteReader(
            self._on_paste,
            ended=self._on_input_end,
            entered=self._open_on_enter,
            back=self._offer_keys,
            silence=_SILENCE,
        )
        self._link_to_open = ""  # by Enter, where the browser of this machine is the user's

    def on_event(self, event: Event) -> None:
        # The terminal is given back at once: what is typed from here on is meant for the shell.
        if isinstance(event, StageEnded) and event.record.stage is Stage.AUTHORIZATION:
            self._reader.close()
        if self._lines.is_requested:
            line = event_as_json(event, full=self._full)
            if line is not None:
                self._lines.write(line)
        else:
            tell(event)
        if isinstance(event, AuthorizationReady):
            self._offer(event)
        elif isinstance(event, DeviceCodeReady) and not self._lines.is_requested:
            say_device_code(event, UserScreen(self._environ))

    def close(self) -> None:
        self._reader.close()

    def _offer(self, ready: AuthorizationReady) -> None:
        offer = callback_offer(self._run.wait.redirect_uri, UserScreen(self._environ), ready.url)
        why = offer.why_no_browser
        opened = self._open_browser(ready.url)
        # Not unasked otherwise: a browser that opens by itself takes the focus from the terminal.
        self._link_to_open = ready.url if self._browser and why is None and not opened else ""
        say("")
        if opened:
            say("  Sign in in the browser that opens. If none opens, open this link:")
        elif offer.over_ssh:
            say("  Open this link in the browser on your own machine and sign in:")
        else:
            say("  Open this link in a browser and sign in:")
        for line in ("", ready.url, ""):
            say(line)
        if self._browser and why is not None:
            say(f"  No browser opens here: {why}.")
        self._offer_ways_back(offer)
        say(f"  Waiting {ready.seconds:.0f} seconds. Ctrl-C stops.")

    def _open_browser(self, url: str) -> bool:
        """Open the link unasked, where BROWSER or a setting of the user asks for that."""
        if not (self._browser and (self._environ.get("BROWSER") or _opens_by_setting())):
            return False
        return open_browser(url, self._environ, self._on_browser_failure)

    def _open_on_enter(self) -> None:
        if not (self._link_to_open and self._run.wait.waiting):
            return
        if open_browser(self._link_to_open, self._environ, self._on_browser_failure):
            say("    Opening the link in the browser.")
        else:
            self._on_browser_failure()

    def _on_browser_failure(self) -> None:
        if self._run.wait.waiting:
            say("    The browser could not be started: open the link on any machine.")

    def _offer_ways_back(self, offer: CallbackOffer) -> None:
        reads = self._reader.start()
        if offer.forward_line is not None:
            say("  On your own machine, run this before you sign in:")
            # How to add it to an open session, and how to test it, is for the user who types in that session.
            for line in (offer.forward_line, *(offer.forward_hints if reads else ())):
                say(f"    {line}")
        if not offer.listens:
            say("  No port is open here: sign in, then copy the address of the last page, even if it fails.")
        if offer.test_url and reads and (offer.forward_line or offer.container_hint):
            say(f"  To test the tunnel first, open {offer.test_url}")
        if offer.container_hint:
            say(f"  {offer.container_hint}")
        if reads:
            self._offer_keys()
        # A terminal stops a job in the background that reads from it (SIGTTIN).
        elif self._reader.in_background:
            say("  To paste the address the browser ends on, bring this job to the foreground: fg")
        elif offer.listens:
            say("  If the browser cannot load the last page, run this here with that page's address:")
            say(f"    curl -sSo {os.devnull} 'ADDRESS'")

    def _offer_keys(self) -> None:
        """Say what can be typed; say it again when the job returns to the foreground."""
        if not self._run.wait.waiting:
            return
        ways = ["Press Enter to open the link in the browser on this machine."] if self._link_to_open else []
        for line in numbered([*ways, "If the browser cannot load the last page, copy its whole address,"]):
            say(f"  {line}")
        say("  paste it here and press Enter. It is not shown.")

    def _on_paste(self, lines: tuple[Secret, ...]) -> None:
        """Take the callback from a pasted text, or say once why there is none."""
        if not self._run.wait.waiting:
            return
        response = self._run.paste(*lines)
        if self._run.wait.waiting:
            say(f"    {response.why_refused}")
            if response.is_bare_code:
                say_fix(_BARE_CODE, self._lines.url, self._lines.options)

    def _on_input_end(self) -> None:
        say("    Ctrl-D does not stop the login; it is still waiting. Ctrl-C stops it.")


def _opens_by_setting() -> bool:
    if not is_terminal(sys.stdin):
        return False
    from authlens_core.desk.settings import SettingsFile  # a script's login reads no settings

    return SettingsFile.open().present.open_browser


def say_device_code(ready: DeviceCodeReady, screen: UserScreen) -> None:
    """Say where the code is entered, on which host, and until when (RFC 10027)."""
    say("")
    if line := callback_offer(None, screen, ready.verification_uri.text).forward_line:
        say("  The page is on this machine. On your own machine, run this first:")
        say(f"    {line}")
    say("  On any device, open this page and enter the code, only if you started this login yourself:")
    for line in ("", f"    {ready.verification_uri.text}", f"    Code: {ready.user_code}", ""):
        say(line)
    if ready.verification_uri_complete is not None:
        say(f"  With the code filled in: {ready.verification_uri_complete.text}")
    minutes = max(1, round(ready.expires_in / 60))
    say(f"  The page is on {ready.verification_uri.host}. The code expires in {minutes} min. Ctrl-C stops.")
    if ready.seconds < ready.expires_in - 1:
        say(f"  Waiting {ready.seconds:.0f} seconds.")
