"""Run the stages of a login: next, all, retry, override, back, stop; and what of that is possible."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, Literal

from msgspec.structs import replace
from textual.screen import Screen

from authlens_core.desk.log_in import Login, Options, Outcome, Stage, StageRecord
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.wizard_messages import LoginChanged, RunEnded

_PASTE_ONLY: Final = (
    "No port is opened. After you sign in, the browser cannot load the last page: copy its address and "
    "paste it here."
)


class StageRunner:
    """Drives `login` in workers of `screen`, and reports to it by messages."""

    def __init__(self, screen: Screen[None], login: Login) -> None:
        self._screen = screen
        self._login = login
        # Set by the key itself, not by what it starts: the second of two quick presses finds it set.
        self._busy = False
        self._answered: StageRecord | None = None

    @property
    def failed(self) -> StageRecord | None:
        """The record of the next stage if its last run failed or was stopped, and nothing changed since."""
        stage = self._login.position
        record = self._login.trace.latest(stage) if stage is not None else None
        last = self._login.trace.records[-1] if self._login.trace.records else None
        # Only the last record counts: an older failure of this stage was answered by going back.
        unresolved = record is not None and record is last and record is not self._answered
        return record if record and unresolved and record.outcome is not Outcome.PASSED else None

    @property
    def is_running(self) -> bool:
        return self._login.running is not None

    @property
    def is_idle(self) -> bool:
        """True while no stage runs and the login is not finished."""
        return not self.is_running and not self._login.finished

    @property
    def stuck(self) -> StageRecord | None:
        """The failed record, while something can be done about it."""
        return self.failed if self.is_idle else None

    def answer_failure(self) -> None:
        """Mark the failure as handled: the stage is then run, not retried."""
        self._answered = self.failed

    def _start(self, doing: Callable[[], Coroutine[Any, Any, object]]) -> None:
        if not self._busy:
            self._busy = True
            self._screen.run_worker(self._perform(doing), group="login", description="run stages")

    async def _perform(self, doing: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await doing()
        finally:
            self._busy = False
            self._screen.post_message(RunEnded())

    def next(self) -> None:
        self._start(self._login.step)

    def can_next(self) -> bool:
        return self.is_idle and self.failed is None

    def run_all(self) -> None:
        self._start(self._login.run_all)

    can_run_all = can_next

    def retry(self) -> None:
        """Run the failed stage again; from PKCE on, with a new link, if its code was used up."""
        self._start(self._retry)

    def can_retry(self) -> bool:
        return self.stuck is not None and not self.can_sign_in_again()

    sign_in_again = retry  # a key of its own, with a name that says what that leads to

    def can_sign_in_again(self) -> bool:
        # A code that was redeemed needs a new sign-in; those of a device are asked for again.
        stuck = self.stuck
        return stuck is not None and stuck.stage is Stage.EXCHANGE and self._login.flow.is_by_link

    async def _retry(self) -> None:
        stage = self._login.position
        await self._login.retry()
        # A code that was used up has led back to PKCE: run on to the stage that was to be run again.
        while not self._login.finished:
            record = await self._login.step()
            if record.outcome is not Outcome.PASSED or record.stage is stage:
                break

    def override(self) -> None:
        """Continue despite the failed check, after a question that names it."""
        failed = self.failed
        check = next((c for c in failed.failures if c.overridable), None) if failed else None
        if check is None or self._busy:
            return
        text = f"{check.expected}\nSeen: {check.seen}\n\n{check.why}\n\n{check.cure}"
        continuing = partial(self._login.override, check.name)
        # The check is named and quoted: what you say yes to is this one, and the next login asks again.
        self._screen.app.push_screen(
            ConfirmScreen("Continue despite this check?", text, "Continue"),
            lambda agreed: self._start(continuing) if agreed else None,
        )

    def can_override(self) -> bool:
        return self.stuck is not None and self.stuck.may_continue

    def another_port(self) -> None:
        options = self._login.facts.options
        # One of the usual range first: a server may have a list of allowed ports.
        self._retry_with(self._login.wait.another_port(options) or options.choosing(port=0))

    def can_another_port(self) -> bool:
        return self.stuck is not None and self.stuck.has_no_port

    def paste_only(self) -> None:
        """Open no port: the user pastes the address that the browser ends on."""
        self._retry_with(replace(self._login.facts.options, listen=False), _PASTE_ONLY)

    def can_paste_only(self) -> bool:
        return self.can_another_port() and self._login.facts.options.listen

    def other_host(self) -> None:
        """Change between localhost and 127.0.0.1: Access has a switch for each."""
        options = self._login.facts.options
        other: Literal["localhost", "127.0.0.1"] = (
            "127.0.0.1" if options.redirect_host == "localhost" else "localhost"
        )
        note = f"Registering {other} as the host of the redirect URI."
        self._retry_with(options.choosing(redirect_host=other), note)

    def can_other_host(self) -> bool:
        return self.stuck is not None and self.stuck.other_host_may_help

    def other_flow(self) -> None:
        """Change between a link and a code to enter on another device; the client is registered for it."""
        other = self._login.facts.other_flow
        if not self._busy and other is not None:
            self.change_flow(replace(self._login.facts.options, grant_type=other.grant_type))
            self._screen.notify(other.chosen, markup=False)

    def can_other_flow(self) -> bool:
        return self.is_idle and self._login.facts.other_flow is not None

    def change_flow(self, options: Options) -> None:
        """Log in in another way, from the stage on for which it matters."""
        if self._busy:
            return
        self.answer_failure()
        # An attack belongs to a flow; armed in another one it would never happen.
        self._login.arm(None)
        self._login.use(options)
        self._screen.post_message(LoginChanged())

    def _retry_with(self, options: Options, note: str = "") -> None:
        if self._busy:
            return
        self._login.use(options)
        if note:
            self._screen.notify(note, markup=False)
        self.retry()

    def back(self) -> None:
        if not self._busy:
            self._login.back()
            self._screen.post_message(LoginChanged())

    def can_back(self) -> bool:
        return self.is_idle and self._login.position is not Stage.DETECTION

    undo = back  # as above, once the login has ended

    def can_undo(self) -> bool:
        return self._login.finished and not self.is_running

    def cancel(self) -> None:
        self._screen.run_worker(self._login.cancel(), group="cancel", description="cancel the stage")

    def can_cancel(self) -> bool:
        return self.is_running
