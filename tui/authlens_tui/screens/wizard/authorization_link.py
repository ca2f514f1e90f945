"""The link of the authorization stage: what to do with it, what came meanwhile, the answer that is pasted."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from textual import on

from authlens_core.desk.callback_offer import UserScreen, callback_offer
from authlens_core.desk.log_in import Login
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady
from authlens_core.values.secret import Secret
from authlens_tui.screens.dialog import ConfirmScreen
from authlens_tui.screens.wizard.status_words import silent_words, turned_away_words, waiting_words
from authlens_tui.screens.wizard.wizard_messages import LinkChanged
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel

_TALL: Final = 32  # rows, as in the wizard
_SILENCE: Final = 60.0  # seconds without an answer until the wizard explains what the browser may be showing

_USE_BARE_CODE: Final = (
    "Use a code without its state?",
    (
        "Nothing shows that this code belongs to the login started here. A code that someone gave you would "
        "log you in to their account, and what you do there would be theirs.\n\n"
        "Use it only if you copied it from the page that this link led to."
    ),
    "Use it",
)


class AuthorizationLink(AuthorizationPanel):
    """The panel of a login that waits for the browser; posts `LinkChanged`."""

    def __init__(self, login: Login) -> None:
        super().__init__(id="panel")
        self._login = login
        self.page = ""
        """The text of the page on which the browser of the demo ended."""
        self._is_silent = False
        self._last_ignored: AnswerIgnored | None = None
        self._error: AnswerIgnored | None = None
        self._bare_code = False

    def words(self, *, player: bool) -> Content:
        """Say what to do now, or what a browser that does not come back may be showing.

        Args:
            player: the demo can sign in.
        """
        facts = self._login.facts
        if self.page:
            return turned_away_words(self.page, "" if facts.issuer is None else facts.issuer.host)
        if self._is_silent:
            return silent_words(facts, in_full=self.app.size.height >= _TALL)
        return waiting_words(player=player)

    def begin(self, ready: AuthorizationReady) -> None:
        self.page, self._is_silent, self._last_ignored = "", False, None
        self._error, self._bare_code = None, False
        offer = callback_offer(self._login.wait.redirect_uri, UserScreen(self.app.environ), ready.url)
        self.show_link(ready.url, offer)
        self.show_remaining(ready.seconds)

    def end(self) -> None:
        if self.url:
            # What the toasts say is about the link, and they would lie over the result.
            self.app.clear_notifications()
        self.empty()

    def ignore(self, event: AnswerIgnored) -> None:
        """Note an answer that was ignored. Any program can cause thousands: a tick shows the last."""
        # An error may be all that the server says: what comes after it does not hide it.
        if event.unproven:
            self._error = event
        self._last_ignored = event if self._error is None else replace(self._error, count=event.count)

    def tick(self) -> None:
        """Show the time left and what came meanwhile; explain a long silence."""
        if not self.url:
            return
        self.show_remaining(self._login.wait.remaining)
        if (last := self._last_ignored) is not None:
            self.show_ignored(last.reason, last.count, is_error=bool(last.unproven))
            self._last_ignored = None
        if not self._is_silent and self._login.wait.waited >= _SILENCE:
            self._is_silent = True
            self.post_message(LinkChanged())

    @on(AuthorizationPanel.Pasted)
    def _pasted(self, message: AuthorizationPanel.Pasted) -> None:
        message.stop()
        if not self._login.wait.waiting:
            return
        response = self._login.paste(message.text)
        if not self._login.wait.waiting:
            return
        again, self._bare_code = self._bare_code, response.is_bare_code
        if again and response.is_bare_code:
            self._ask_about_code(message.text)
        else:
            way_on = " To use the code alone, paste it again." if response.is_bare_code else ""
            self.show_refused_paste(f"{response.why_refused}{way_on}")

    def _ask_about_code(self, code: Secret) -> None:
        """Take a code whose login nothing shows, after a question that names the risk."""
        url = self.url

        def answered(sure: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            # Meanwhile the browser may have come, or the user cancelled and got another link.
            if sure and self.url == url and self._login.wait.waiting:
                self._login.paste(code, any_state=True)

        self.app.push_screen(ConfirmScreen(*_USE_BARE_CODE), answered)
