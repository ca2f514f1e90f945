"""Logging in with cloudflared, where a resource is behind Access and has no Managed OAuth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from textual import getters, work
from textual.app import ComposeResult
from textual.reactive import reactive
from textual.widget import Widget

from authlens_core.desk.cloudflared_login import CloudflaredOutcome, log_in_with_cloudflared
from authlens_core.desk.log_in import BROWSER_WAIT, Fix
from authlens_core.desk.session import AuthlensError, Session
from authlens_core.trace.events import (
    CloudflaredEvent,
    LinkShown,
    OtherProcessWaiting,
    PrintedLine,
    ProcessStarted,
)
from authlens_tui.screens.dialog import DIALOG_STYLES, Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.screens.fix_keys import FixKeys
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.focus import keep_focus_in_view
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import ActionChecks, keys
from authlens_tui.words.times import clock

_INTRO: Final = (
    "cloudflared logs in as you and stores the token in ~/.cloudflared; programs send it in cf-access-token."
)
# What is known to go wrong with it, each one sentence.
_KNOWN_BUGS: Final = (
    "No window opens under WSL: set up wslview, or copy the link (cloudflared#192, #225).",
    "It may exit with code 0 but no token: authlens reports that as a failure (cloudflared#1429).",
    "It waits for itself if the application has a Binding Cookie; authlens stops it (cloudflared#1692).",
    "It finds no application if a Bypass policy covers this address (cloudflared#498).",
)

_SOON: Final = 30.0  # seconds under which it is worth a warning
_OTHER_CELLS: Final = 14  # cells of the digits and the word beside the bar


class Countdown(Widget):
    """Shows the time left of a wait. The screen sets `remaining` once a second."""

    DEFAULT_CSS = """
    Countdown { width: 1fr; height: 1; color: $foreground; }
    """

    remaining: reactive[float] = reactive(0.0)
    """Seconds left."""

    total: reactive[float] = reactive(0.0)
    """Seconds the wait lasts in all; the length of the bar."""

    def render(self) -> Content:
        seconds = max(0.0, self.remaining)
        style, word = "$text-success", "left"
        if seconds <= 0:
            style, word = "$text-error", "expired"
        elif seconds < _SOON:
            style = "$text-warning"
        cells = max(0, self.content_size.width - _OTHER_CELLS - len(word))
        # More than all of it, for a moment, where a wait was just extended.
        share = min(1.0, seconds / self.total) if self.total > 0 else 0.0
        filled = round(cells * share)
        return Content.assemble(
            (f"{clock(seconds):>6} ", f"bold {style}"),
            (f"{word}  ", "$quiet"),
            ("━" * filled, style),
            ("╌" * (cells - filled), "$text-disabled"),
        )


class CloudflaredScreen(ActionChecks, Dialog[None]):
    """Runs `cloudflared access login`, shows its link, and asks the resource with the token."""

    app = getters.app(TerminalApp)

    CSS_PATH = [DIALOG_STYLES, Path(__file__).with_name("cloudflared.tcss")]  # noqa: RUF012 - Textual declares it
    HELP = "Login with cloudflared. The link works on any machine. Known problems:\n" + "\n".join(_KNOWN_BUGS)
    BINDINGS = keys("cloudflared")

    intro = getters.query_one("#words", Static)
    link = getters.query_one("#link", Static)
    output = getters.query_one("#said", Static)
    countdown = getters.query_one(Countdown)

    def __init__(self, url: str, session: Session) -> None:
        super().__init__()
        self._url = url
        self._session = session
        self._ends_at: float | None = None
        self._link: str | None = None
        self._accepted = False

    def body(self) -> ComposeResult:
        with DialogBox(f"Log in with cloudflared: {self._url}", wide=True):
            yield Static(Content(_INTRO), id="words")
            yield Static(id="link")
            yield Countdown()
            yield Static(id="said")
            yield Static(id="result")
            with DialogButtons():
                yield action_button("Copy link", "copy_link", variant="primary")
                yield action_button("Try again", "again")
                yield action_button("Close", "leave")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self._begin()

    def _begin(self) -> None:
        self._link = None
        self._ends_at = time.monotonic() + BROWSER_WAIT
        self.countdown.total = BROWSER_WAIT
        for line in (self.link, self.output):
            line.update("")
        self.tell("#result", "")
        self._show()
        self._tick()
        self._run()

    def _show(self) -> None:
        waits = self._waits
        self.link.display = self.can_copy_link()
        self.output.display = waits and self._link is None
        self.countdown.display = waits
        self.query_one("#copy_link").display = self.can_copy_link()
        self.query_one("#again").display = self.can_again()
        self.refresh_bindings()
        keep_focus_in_view(self)

    def _tick(self) -> None:
        if self._ends_at is not None:
            self.countdown.remaining = max(0.0, self._ends_at - time.monotonic())

    @property
    def _waits(self) -> bool:
        return self._ends_at is not None

    @work(exclusive=True, group="cloudflared", description="log in with cloudflared")
    async def _run(self) -> None:
        try:
            outcome = await log_in_with_cloudflared(
                self._session, self._url, on_event=self._show_event, environ=self.app.environ
            )
        except AuthlensError as error:
            self._end(f"✖ {error.cause}", error.cure, good=False)
            return
        self._tell_proof(outcome)

    def _show_event(self, event: CloudflaredEvent) -> None:
        if not self.is_mounted:
            return
        match event:
            case ProcessStarted(command, version, notes):
                warnings = "".join(f"\n! {note}" for note in notes)
                self.intro.update(Content(f"{_INTRO}\ncloudflared {version} runs: {command}{warnings}"))
            case LinkShown(url):
                self._link = url
                self.link.update(Content(f"Open this link, here or on any other machine:\n{url}"))
            case OtherProcessWaiting(pid):
                self.tell(
                    "#result",
                    f"! Another cloudflared (process {pid}) is waiting for this login: finish that one.",
                )
            case PrintedLine(line):
                self.output.update(Content(f"cloudflared: {line}"))
        self._show()

    def _tell_proof(self, outcome: CloudflaredOutcome) -> None:
        probe = outcome.probe
        self._accepted = bool(probe.accepted)
        storage = "! cloudflared stored no copy of this token: it is lost."
        if outcome.kept_at is not None:
            storage = f"✔ cloudflared stored the token: {outcome.kept_at}"
        self._end(f"{storage}\n{probe.sign} {probe.summary}", probe.cure, good=self._accepted)

    def _end(self, result: str, cure: str | Fix, *, good: bool) -> None:
        self._ends_at = None
        if not self.is_mounted:
            return
        text = f"{result}\n→ {FixKeys.on(self)(cure)}" if cure else result
        self.tell("#result", text, good=good)
        self._show()

    async def action_copy_link(self) -> None:
        if self._link is not None:
            await self.app.copy(self._link, "the link")

    def can_copy_link(self) -> bool:
        return self._waits and self._link is not None

    def action_again(self) -> None:
        if self.can_again():
            self._begin()

    def can_again(self) -> bool:
        return not (self._waits or self._accepted)

    def action_leave(self) -> None:
        """Go back; a cloudflared that waits is ended."""
        self.workers.cancel_node(self)
        self.dismiss()

    def stop_running(self) -> bool:
        """End what runs, for ctrl+c; return whether there was anything to end."""
        if not self._waits:
            return False
        self.workers.cancel_node(self)
        self._end("Stopped cloudflared.", "", good=False)
        return True
