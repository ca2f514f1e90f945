"""What runs while the app is open: tokens that are due are refreshed, and those about to expire reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from textual.app import App
from textual.worker import Worker

from authlens_core.desk.credentials import Grant
from authlens_core.desk.lifecycle import ActionResult, BackgroundRefresh, background_refresh
from authlens_core.desk.session import Session
from authlens_core.desk.settings import Config, NoticeKind, SettingsFile
from authlens_core.values.errors import AuthlensError
from authlens_core.values.safe_text import NAME, safe_line
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.words.times import in_words

_PAUSE: Final = 30.0  # seconds before the next try after the index could not be used
_LOOK_EVERY: Final = 5.0  # seconds between two looks for tokens that are about to expire


class AutomaticRefresh:
    """Runs from `start` until stopped."""

    def __init__(
        self, app: App[int], settings: SettingsFile, on_attempt: Callable[[Grant, ActionResult], None]
    ) -> None:
        self._app = app
        self._settings = settings
        self._on_attempt = on_attempt
        self._running: BackgroundRefresh | None = None

    def start(self, session: Session) -> None:
        """Run in a worker of the app, instead of one that runs already."""
        # Called by the worker: if the app ends before that begins, a coroutine would be left un-awaited.
        run = partial(self._run, session)
        _: Worker[None] = self._app.run_worker(run, exclusive=True, group="automatic refresh")

    async def _run(self, session: Session) -> None:
        self._running = background_refresh(session, lambda: self._settings.present, self._on_attempt)
        while True:
            try:
                await self._running.run()
            except AuthlensError as error:
                words = f"Auto-refresh is paused: {error.cause}"
                self._app.notify(words, severity="warning", markup=False)
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def stop(self) -> None:
        """Wait for a refresh that was sent, and start no other."""
        if self._running is not None:
            await self._running.stop()


class ExpiryNotice:
    """Reports each token that is about to expire, once."""

    def __init__(
        self, app: TerminalApp, config: Config, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._app = app
        self._config = config
        self._now = now
        self._told: set[tuple[str, datetime]] = set()

    def look(self, grants: Iterable[Grant]) -> None:
        """Report the tokens that expire within the configured time."""
        now = self._now()
        for grant in grants:
            ends = grant.expires_at
            # By credential and expiry: a token that was refreshed gets a notice of its own.
            if ends is None or not grant.state.is_wanted or (grant.grant_id, ends) in self._told:
                continue
            left = (ends - now).total_seconds()
            if 0 < left <= self._config.before_expiry:
                self._told.add((grant.grant_id, ends))
                self._tell(f"{grant.resource_url.removeprefix('https://')} expires in {in_words(left)}")

    def _tell(self, words: str) -> None:
        self._app.notify(words, title="Expires soon", markup=False)
        # A semicolon would end the text of OSC 777.
        text = safe_line(words, NAME).replace(";", ",")
        match self._config.notice:
            case NoticeKind.BELL:
                self._app.bell()
            case NoticeKind.OSC_9:
                self._app.write_to_terminal(f"\x1b]9;{text}\x07")
            case NoticeKind.OSC_777:
                self._app.write_to_terminal(f"\x1b]777;notify;authlens;{text}\x07")


def tell_of_expiry(app: TerminalApp, config: Config, session: Session) -> None:
    """Report what of the configuration is unknown, and from now on each token that is about to expire."""
    for problem in config.problems:
        app.notify(problem, markup=False, title="Configuration", severity="warning")
    if config.before_expiry:
        notice = ExpiryNotice(app, config)
        app.set_interval(_LOOK_EVERY, lambda: notice.look(session.credentials.list()))
