"""The link of the authorization stage: open it, let the demo sign in, paste the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

from textual import getters, on, work
from textual.app import ComposeResult
from textual.widget import Widget

from authlens_core.desk.callback_offer import UserScreen, callback_offer
from authlens_core.desk.log_in import Login
from authlens_core.trace.events import AnswerIgnored, AuthorizationReady
from authlens_core.values.secret import Secret
from authlens_tui.screens.confirm import ConfirmScreen
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.screens.wizard.status_words import silent_words, turned_away_words, waiting_words
from authlens_tui.screens.wizard.wizard_messages import LinkChanged
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.widgets.authorization.qr_code import QrCodeWanted

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


class Played(NamedTuple):
    """How the sign-in of the demo ended.

    Attributes:
        done: false if it did not get as far as signing in and can be tried again.
        page: the text of the page on which the browser ended; empty if it came back.
    """

    words: str
    done: bool = False
    page: str = ""


# Signs in at the emulator with a link, as a user would in a browser.
Player = Callable[[str], Awaitable[Played]]


class AuthorizationLink(Widget):
    """Holds the link while the login waits for the browser; posts `LinkChanged`."""

    app = getters.app(TerminalApp)

    DEFAULT_CSS = "AuthorizationLink { height: 1fr; }"

    panel = getters.query_one(AuthorizationPanel)

    def __init__(self, login: Login, player: Player | None, *, play_at_once: bool) -> None:
        super().__init__(id="panel")
        self._login = login
        self._player = player
        self._play_at_once = play_at_once
        self._ready: AuthorizationReady | None = None
        self._qr: QrScreen | None = None
        self._playing = False
        self._played = Played("")
        self._is_silent = False
        self._ignored: AnswerIgnored | None = None
        self._error: AnswerIgnored | None = None
        self._bare_code = False

    def compose(self) -> ComposeResult:
        yield AuthorizationPanel()

    # -- the wait --------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The link while the login waits; empty otherwise."""
        return self._ready.url if self._ready is not None else ""

    @property
    def can_play(self) -> bool:
        """Whether the demo can sign in: there is a link that it has not used."""
        return self._ready is not None and self._player is not None and not self._played.done

    @property
    def words(self) -> Content:
        """What to do now, or what a browser that does not come back may be showing."""
        facts = self._login.facts
        if self._played.page:
            return turned_away_words(self._played.page, "" if facts.issuer is None else facts.issuer.host)
        if self._is_silent:
            return silent_words(facts, in_full=self.app.size.height >= _TALL)
        return waiting_words(player=self.can_play)

    def begin(self, ready: AuthorizationReady) -> None:
        self._ready = ready
        self._played, self._is_silent, self._ignored = Played(""), False, None
        self._error, self._bare_code = None, False
        offer = callback_offer(self._login.wait.redirect_uri, UserScreen(self.app.environ), ready.url)
        self.panel.show_link(ready.url, offer)
        self.panel.show_remaining(ready.seconds)
        if self._play_at_once:
            self.play()

    def end(self) -> None:
        if self._ready is not None:
            # What the toasts say is about the link, and they would lie over the result.
            self.app.clear_notifications()
        self._ready = None
        self.panel.empty()

    def ignore(self, event: AnswerIgnored) -> None:
        """Note an answer that was ignored. Any program can cause thousands: a tick shows the last."""
        # An error may be all that the server says: what comes after it does not hide it.
        if event.unproven:
            self._error = event
        self._ignored = event if self._error is None else replace(self._error, count=event.count)

    def tick(self) -> None:
        """Show the time left and what came meanwhile; explain a long silence."""
        if self._ready is None:
            return
        self.panel.show_remaining(self._login.wait.remaining)
        if self._ignored is not None:
            ignored = self._ignored
            self.panel.show_ignored(ignored.reason, ignored.count, is_error=bool(ignored.unproven))
            self._ignored = None
        if not self._is_silent and self._login.wait.waited >= _SILENCE:
            self._is_silent = True
            self.post_message(LinkChanged())

    # -- opening it ------------------------------------------------------------------------------------

    def open(self) -> None:
        if self._ready is None:
            return
        open_page(
            self,
            self._ready.url,
            self.app.environ,
            wanted=lambda: self._ready is not None,
            opening="Opening the link in your browser. Or press c to copy it.",
            failed="No browser could be started here. Press c to copy the link and open it elsewhere.",
        )

    def play(self) -> None:
        """Let the demo sign in, over real HTTP, as a browser would."""
        if not self._playing and self.can_play:
            self._playing = True
            self._play()

    @work(group="play", description="sign in for the user")
    async def _play(self) -> None:
        ready = self._ready
        try:
            if ready is None or self._player is None:
                return
            played = await self._player(ready.url)
            # Meanwhile the login may have continued, or the user cancelled and got another link.
            if self._ready is ready:
                self.notify(played.words, markup=False, title="Demo sign-in")
                self._played = played
                self._login.wait.page = played.page
                self.post_message(LinkChanged())
        finally:
            self._playing = False

    # -- the panel -------------------------------------------------------------------------------------

    @on(QrCodeWanted)
    def _show_qr_code(self, message: QrCodeWanted) -> None:
        message.stop()
        self._qr = QrScreen(message.url)
        self.app.push_screen(self._qr, self._qr_code_closed)

    def _qr_code_closed(self, whole: bool | None) -> None:  # noqa: FBT001 - Textual's callback
        self._qr = None
        if whole:
            self.panel.action_alone()

    @on(AuthorizationPanel.LinkWithdrawn)
    def _close_qr_code(self, message: AuthorizationPanel.LinkWithdrawn) -> None:
        message.stop()
        if self._qr is not None:
            self._qr.finish()

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
            self.panel.show_refused_paste(f"{response.why_refused}{way_on}")

    def _ask_about_code(self, code: Secret) -> None:
        """Take a code whose login nothing shows, after a question that names the risk."""
        ready = self._ready

        def answered(sure: bool | None) -> None:  # noqa: FBT001 - Textual's callback
            # Meanwhile the browser may have come, or the user cancelled and got another link.
            if sure and self._ready is ready and self._login.wait.waiting:
                self._login.paste(code, any_state=True)

        self.app.push_screen(ConfirmScreen(*_USE_BARE_CODE), answered)


def open_page(
    widget: Widget,
    url: str,
    environ: Mapping[str, str],
    *,
    wanted: Callable[[], bool],
    opening: str,
    failed: str,
) -> None:
    """Open `url`, and notify on `widget`.

    Args:
        wanted: whether a failure still matters; it may be known long after the key was pressed.
    """
    loop = asyncio.get_running_loop()

    def report() -> None:
        if widget.is_running and wanted():
            widget.notify(failed, severity="warning", markup=False)

    def from_thread() -> None:  # in the thread that waits for the opener
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(report)

    if open_browser(url, environ, failed=from_thread):
        widget.notify(opening, markup=False)
    else:
        report()
