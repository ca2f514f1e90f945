"""What the keys of the wizard do with the login: run, retry, override, go back, stop. One thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, Literal

from textual import getters, work

from authlens_core.callback.binding import another_port
from authlens_core.login.login import Login
from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Outcome, StageRecord
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.trace.reading import ReadingScreen
from authlens_tui.terminal.terminal_app import TerminalApp

__all__ = ["StageRunner"]

_EXTENSION: Final = 300.0  # seconds that one key press gives the browser


class StageRunner(ReadingScreen):
    """A screen that drives a login; what it looks like is left to those that derive from it."""

    app = getters.app(TerminalApp)

    def __init__(self, login: Login) -> None:
        super().__init__()
        self._login = login
        # Set by the key itself, not by what it starts: of two quick presses the second finds it set.
        self._busy = False
        # The record that the person has answered by an edit: its stage is run anew, not again.
        self._answered: StageRecord | None = None

    @property
    def login(self) -> Login:
        """The login that is walked here."""
        return self._login

    def went_back(self) -> None:
        """Show the stage that is next again; for those that derive from this."""

    def failed_record(self) -> StageRecord | None:
        """Return the record of the stage that has failed or was stopped and stands next, or None."""
        stage = self._login.position
        record = self._login.trace.latest(stage) if stage is not None else None
        last = self._login.trace.records[-1] if self._login.trace.records else None
        unresolved = record is not None and record is last and record is not self._answered
        return record if record and unresolved and record.outcome is not Outcome.PASSED else None

    def _start(self, doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do one thing at a time: while it lasts, other keys that would run a stage do nothing."""
        if not self._busy:
            self._busy = True
            self._perform(doing)

    @work(group="login", description="run stages")
    async def _perform(self, doing: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await doing()
        finally:
            self._busy = False
            if self.is_running:
                self.refresh_bindings()

    def action_next(self) -> None:
        """Run the next stage."""
        self._start(self._next)

    async def _next(self) -> None:
        if not self._login.finished:
            await self._login.step()

    def action_run_all(self) -> None:
        """Run the stages until one fails or all have passed."""
        self._start(self._all)

    async def _all(self) -> None:
        await self._login.run_all()

    def action_retry(self) -> None:
        """Run the failed stage again; where a code was used up, from PKCE on, where a new link is made."""
        self._start(self._retry)

    async def _retry(self) -> None:
        wanted = self._login.position
        await self._login.retry()
        while not self._login.finished:
            record = await self._login.step()
            if record.outcome is not Outcome.PASSED or record.stage is wanted:
                break

    def action_override(self) -> None:
        """Go on in spite of the failed check, after a question that names it."""
        self._start(self._override)

    async def _override(self) -> None:
        record = self.failed_record()
        check = next((c for c in record.failures if c.overridable), None) if record else None
        if check is None:
            return
        seen, cure = safe_line(check.seen), safe_line(check.cure)
        words = f"{check.expected}\nSeen: {seen}\n\n{check.why}\n\n{cure}"
        if await self.app.push_screen_wait(ConfirmScreen("Go on in spite of this check?", words, "Go on")):
            await self._login.override(check.name)

    def action_another_port(self) -> None:
        """Use another port that is free, which is a new redirect URI."""
        if not self._busy:
            options = self._login.facts.options
            self._login.use(replace(options, port=another_port(options.redirect_host)))
            self.action_retry()

    def action_paste_only(self) -> None:
        """Open no port at all: the person brings the answer of the browser by hand."""
        if self._busy:
            return
        self._login.use(replace(self._login.facts.options, listen=False))
        self.notify(
            "No port is opened. After the sign-in the browser shows a page that it cannot load; "
            "copy the address of that page and paste it here.",
            markup=False,
        )
        self.action_retry()

    def action_other_host(self) -> None:
        """Change between localhost and 127.0.0.1: Access has a switch for each."""
        if self._busy:
            return
        options = self._login.facts.options
        other: Literal["localhost", "127.0.0.1"] = (
            "127.0.0.1" if options.redirect_host == "localhost" else "localhost"
        )
        self._login.use(replace(options, redirect_host=other))
        self.notify(f"The browser is now sent back to {other}; registering that.", markup=False)
        self.action_retry()

    def action_back(self) -> None:
        """Take the facts of one stage earlier."""
        if self._busy:
            return
        self._login.back()
        self.went_back()

    @work(group="cancel", description="cancel the stage")
    async def action_cancel(self) -> None:
        """Stop what runs."""
        await self._login.cancel()

    def action_extend(self) -> None:
        """Give the browser five minutes more."""
        self._login.wait.extend(_EXTENSION)
