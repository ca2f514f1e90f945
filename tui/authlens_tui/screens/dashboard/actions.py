"""What the dashboard does to the credential under the cursor, each action with a sentence at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final, NamedTuple

from textual import getters, work
from textual.message import Message
from textual.screen import Screen

from authlens_core.credentials.inventory.inventory import Holding
from authlens_core.credentials.inventory.probe import probe
from authlens_core.credentials.lifecycle.batch import Ended, refresh_one, revoke_one
from authlens_core.credentials.records.grant import Grant, GrantState
from authlens_core.credentials.records.service_token import ServiceToken
from authlens_core.credentials.vault.consolidate import erase_left, left_words
from authlens_core.errors import AuthlensError
from authlens_core.safe_text import safe_line
from authlens_core.session import Session
from authlens_core.state.settings import SettingsFile
from authlens_core.trace.record import Trace
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.dashboard.new_login import NewLoginScreen
from authlens_tui.screens.trace.export import ExportScreen
from authlens_tui.terminal.terminal_app import TerminalApp

__all__ = ["DashboardActions", "Done"]

_NOTHING_SENT = "Nothing was sent for this credential yet that is kept: probe (p) it, or refresh (r) a login."

_MAY_BE_SPENT: Final = frozenset({GrantState.UNKNOWN, GrantState.INTERRUPTED})


class Done(NamedTuple):
    """What an action came to, for the person."""

    words: str
    good: bool
    trace: Trace | None = None


Action = Callable[[Holding], Coroutine[Any, Any, Done]]


class DashboardActions(Screen[None]):
    """The actions on one credential; what is selected and shown is left to those that derive from this.

    Args:
        session: the sender and the credentials.
        settings: what the person has set.
        suggestion: what a new login begins with.
        now: the clock, in UTC.
    """

    app = getters.app(TerminalApp)

    class LoginWanted(Message, namespace="dashboard_screen"):
        """The person wants to log in to `url`."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class TraceWanted(Message, namespace="dashboard_screen"):
        """The person wants to see `trace`, which is of the credential `holding_id`.

        Attributes:
            trace: what was sent and what came back.
            holding_id: the credential; empty where it is gone.
            kept: true for one from the history, whose secrets are fingerprints.
        """

        def __init__(self, trace: Trace, holding_id: str, *, kept: bool) -> None:
            super().__init__()
            self.trace = trace
            self.holding_id = holding_id
            self.kept = kept

    def __init__(
        self, session: Session, settings: SettingsFile, suggestion: str, now: Callable[[], datetime]
    ) -> None:
        super().__init__()
        self._session = session
        self._settings = settings
        self._suggestion = suggestion
        self._now = now
        self._busy: dict[str, str] = {}
        self._last_trace: dict[str, Trace] = {}
        self._asking = False

    # -- for those that derive from this ---------------------------------------------------------------

    @property
    def selected(self) -> Holding | None:
        """The credential under the cursor, or None."""
        return None

    def show_now(self, *, anew: bool = False) -> None:
        """Bring what is shown up to date; `anew`: something else than the clock has changed."""

    def say(self, words: str, *, good: bool | None = None) -> None:
        """Tell the person something."""

    # -- asking ----------------------------------------------------------------------------------------

    def ask(self, question: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Ask one question at a time: a key pressed twice opens one window."""
        if not self._asking:
            self._asking = True
            self._await_answer(question)

    @work(group="ask", description="ask a question")
    async def _await_answer(self, question: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await question()
        finally:
            self._asking = False

    def confirm(self, title: str, words: str, yes: str, then: Callable[[Holding], object]) -> None:
        """Ask about the credential that is selected now, and act on that one whatever is selected then."""
        holding = self.selected
        if holding is None or self._is_busy(holding):
            return

        async def question() -> None:
            named = f"{safe_line(holding.url or holding.title, 200)}\n\n{words}"
            if await self.app.push_screen_wait(ConfirmScreen(title, named, yes)):
                then(holding)

        self.ask(question)

    # -- logging in ------------------------------------------------------------------------------------

    def action_new_login(self) -> None:
        """Ask for a URL and start the wizard on it."""

        async def question() -> None:
            url = await self.app.push_screen_wait(NewLoginScreen(self._suggestion))
            if url is not None:
                self.post_message(self.LoginWanted(url))

        self.ask(question)

    def action_login_again(self) -> None:
        """Start the wizard on the selected resource, or cloudflared where the token is its."""
        holding = self.selected
        if holding is None:
            return
        if holding.cloudflared is None:
            self.post_message(self.LoginWanted(holding.url))
        else:
            self._log_in_with_cloudflared(holding.cloudflared.url)

    def _log_in_with_cloudflared(self, url: str) -> None:
        from authlens_tui.screens.cloudflared import CloudflaredScreen

        async def question() -> None:
            screen = CloudflaredScreen(url, self._session, environ=self.app.environ)
            await self.app.push_screen_wait(screen)
            self.show_now(anew=True)

        self.ask(question)

    def action_switch(self) -> None:
        """Say how to log in as somebody else; copy the way out of the old login and start the wizard."""
        holding = self.selected
        if holding is None:
            return
        logout = f"https://{holding.team}/cdn-cgi/access/logout"
        words = (
            "The browser signs in by itself as the person that it knows. To be asked again, use a private "
            f"window, or open this address first: it ends every application of the team.\n\n{logout}"
        )

        def go(_holding: Holding) -> None:
            self._copy_address(logout)
            self.post_message(self.LoginWanted(holding.url))

        self.confirm("Log in as somebody else?", words, "Copy it and log in", go)

    @work(exclusive=True, group="copy", description="copy an address")
    async def _copy_address(self, address: str) -> None:
        await self.app.copy(address, "Where to log out")

    def action_service_token(self) -> None:
        """Add a service token."""
        self._service_token_form(None)

    def action_replace(self) -> None:
        """Put a new secret in place of that of the selected service token."""
        if self.selected is not None and self.selected.service_token is not None:
            self._service_token_form(self.selected.service_token)

    def _service_token_form(self, token: ServiceToken | None) -> None:
        from authlens_tui.screens.dashboard.service_token import ServiceTokenScreen

        async def question() -> None:
            url = "" if token is None else token.url
            await self.app.push_screen_wait(ServiceTokenScreen(self._session, url, token))
            self.show_now(anew=True)

        self.ask(question)

    # -- at the server ---------------------------------------------------------------------------------

    def action_refresh(self) -> None:
        """Refresh the selected credential; where its refresh token may be spent, after a question."""
        holding = self.selected
        if holding is None or holding.grant is None or holding.grant.state not in _MAY_BE_SPENT:
            self._start(holding, "refreshing", self._refresh)
            return
        words = (
            "What became of the last refresh is not known. If the server has replaced the refresh token, "
            "sending the old one again may end this login; then you log in again."
        )
        self.confirm(
            "Try the refresh once more?",
            words,
            "Try once more",
            lambda it: self._start(it, "refreshing", self._refresh_again),
        )

    def action_probe(self) -> None:
        """Ask the resource whether the selected credential works."""
        self._start(self.selected, "probing", self._probe)

    def action_revoke(self) -> None:
        """Revoke the selected credential, after a question."""
        words = (
            "The server ends the refresh token and the access token; authlens then calls the resource to see "
            "it refuse, and only then removes them here. To use the resource again you have to log in."
        )
        self.confirm(
            "Revoke at the server?", words, "Revoke", lambda it: self._start(it, "revoking", self._revoke)
        )

    def action_forget(self) -> None:
        """Remove the selected credential from this machine, after a question."""
        words = (
            "The server is not told: the tokens stay valid there until they end. To end them, revoke "
            "instead (v)."
        )
        if self.selected is not None and self.selected.service_token is not None:
            words = "Access is not told: the service token stays valid. To end it, revoke it in Zero Trust."
        self.confirm(
            "Forget on this machine?", words, "Forget", lambda it: self._start(it, "forgetting", self._forget)
        )

    async def _refresh(self, holding: Holding) -> Done:
        return _done(await refresh_one(self._session.credentials, self._session.wire, _grant(holding)))

    async def _refresh_again(self, holding: Holding) -> Done:
        credentials, wire = self._session.credentials, self._session.wire
        return _done(await refresh_one(credentials, wire, _grant(holding), despite_unknown=True))

    async def _revoke(self, holding: Holding) -> Done:
        def waiting(seconds: float) -> None:
            self.say(
                f"The server confirmed it. The resource still accepts the token of "
                f"{safe_line(holding.title, 120)}; it is asked again for up to {seconds:.0f} s …"
            )

        credentials, wire = self._session.credentials, self._session.wire
        done = _done(await revoke_one(credentials, wire, _grant(holding), waiting=waiting))
        return done._replace(words=f"{done.words} I shows what was sent.") if done.good else done

    async def _probe(self, holding: Holding) -> Done:
        done = await probe(self._session.credentials, self._session.wire, holding)
        words = f"{done.summary} {done.cure}".strip()
        if not done.accepted:
            words = f"Answered by {done.layer}: {words}"
        return Done(words, done.accepted is True, done.trace)

    async def _forget(self, holding: Holding) -> Done:
        credentials = self._session.credentials
        if holding.service_token is not None:
            erased = await credentials.service_tokens.remove(holding.holding_id)
            words = "Removed from this machine. At Access the service token stays valid."
        else:
            erased = await credentials.forget(holding.holding_id)
            words = "Removed from this machine. Its tokens stay valid at the server until they end."
        left = () if erased else await erase_left(credentials)
        return Done(f"{words} {left_words(left, credentials.store.place)}".strip(), True)

    def _start(self, holding: Holding | None, doing: str, action: Action) -> None:
        if holding is None:
            self.say("Choose a credential first, or press n for a new login.")
        elif not self._is_busy(holding):
            self._busy[holding.holding_id] = doing
            self.say(f"{doing.capitalize()} {safe_line(holding.title, 120)} …")
            self._perform(holding, action)

    def _is_busy(self, holding: Holding) -> bool:
        busy = holding.holding_id in self._busy
        if busy:
            self.say("Something is under way for this credential already.")
        return busy

    @work(group="action", description="act on a credential")
    async def _perform(self, holding: Holding, action: Action) -> None:
        self.show_now()
        try:
            done = await action(holding)
        except AuthlensError as error:
            done = Done(str(error), False)
        finally:
            self._busy.pop(holding.holding_id, None)
        self.note_trace(holding.holding_id, done.trace)
        self.say(done.words, good=done.good)
        self.show_now(anew=True)

    def note_trace(self, holding_id: str, trace: Trace | None) -> None:
        """Keep what was sent with its secrets while the program runs; those on disk are without."""
        if trace is not None:
            self._last_trace[holding_id] = self._last_trace[""] = trace

    # -- what was sent ---------------------------------------------------------------------------------

    @work(exclusive=True, group="open", description="open a trace")
    async def action_inspect(self) -> None:
        """Show the exchanges of the last action on the selected credential."""
        found = await self._newest_trace()
        if found is not None:
            trace, holding_id = found
            kept = trace is not self._last_trace.get(holding_id)
            self.post_message(self.TraceWanted(trace, holding_id, kept=kept))

    def action_inspect_last(self) -> None:
        """Show what was sent last: a revocation leaves no row behind to select."""
        trace = self._last_trace.get("")
        if trace is None:
            self.say(_NOTHING_SENT)
        else:
            self.post_message(self.TraceWanted(trace, "", kept=False))

    @work(exclusive=True, group="open", description="save a trace")
    async def action_save(self) -> None:
        """Save the exchanges of the last action on the selected credential, redacted."""
        found = await self._newest_trace()
        if found is not None:
            self.app.push_screen(ExportScreen(found[0]))

    async def _newest_trace(self) -> tuple[Trace, str] | None:
        holding = self.selected
        holding_id = "" if holding is None else holding.holding_id
        trace = self._last_trace.get(holding_id)
        if trace is None and holding is not None:
            try:
                kept = self._session.credentials.traces.of(holding_id)
                trace = await self._open_kept(kept[0].trace_id) if kept else None
            except AuthlensError as error:
                self.say(str(error), good=False)
                return None
        if trace is None:
            self.say(_NOTHING_SENT)
            return None
        return trace, holding_id

    async def _open_kept(self, trace_id: str) -> Trace:
        # In a thread: a trace of a megabyte takes a moment.
        return await asyncio.to_thread(self._session.credentials.traces.open, trace_id)

    @work(exclusive=True, group="open", description="open a kept trace")
    async def show_kept(self, trace_id: str, holding_id: str) -> None:
        """Show a trace of the history."""
        try:
            trace = await self._open_kept(trace_id)
        except AuthlensError as error:
            self.say(str(error), good=False)
        else:
            self.post_message(self.TraceWanted(trace, holding_id, kept=True))


def _grant(holding: Holding) -> Grant:
    if holding.grant is None:
        msg = "only a grant can be refreshed or revoked"
        raise ValueError(msg)
    return holding.grant


def _done(ended: Ended) -> Done:
    return Done(f"{ended.summary} {ended.cure}".strip(), ended.good, ended.trace)
