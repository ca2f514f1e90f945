"""Refresh tokens that are due, while the app is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from textual.app import App
from textual.worker import Worker

from authlens_core.credentials.records.grant import Grant
from authlens_core.desk.lifecycle import ActionResult, BackgroundRefresh, background_refresh
from authlens_core.desk.session import Session
from authlens_core.desk.settings import SettingsFile
from authlens_core.values.errors import AuthlensError

_PAUSE: Final = 30.0  # seconds before the next try after the index could not be used


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
