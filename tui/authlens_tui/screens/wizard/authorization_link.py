"""What a person can do with the link while it is shown: open it, let the demo sign in, paste the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from textual import getters, on, work
from textual.events import Paste
from textual.widgets import ContentSwitcher, Static

from authlens_core.login.events import AuthorizationReady
from authlens_core.login.login import Login
from authlens_core.safe_text import safe_line
from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.screens.wizard.tools import WizardTools
from authlens_tui.screens.wizard.words import silent_words, turned_away_words, waiting_words
from authlens_tui.terminal.browser import open_browser
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.authorization.authorization_panel import AuthorizationPanel
from authlens_tui.words.pasting import refused_words

__all__ = ["Played", "Player", "WizardLink"]

_TALL: Final = 32  # rows, as in the wizard
_SILENCE: Final = 20.0  # seconds without an answer after which it is said what a browser may be showing


@dataclass(frozen=True, slots=True)
class Played:
    """What became of it when the demo played the person.

    Attributes:
        words: that in a sentence.
        done: false where it did not come to signing in, so that it can be tried again.
        page: what the page says on which the browser ended; empty where it led back.
    """

    words: str
    done: bool = False
    page: str = ""


Player = Callable[[str], Awaitable[Played]]
"""Plays the person at the emulator: takes the link, returns what became of it."""


class WizardLink(WizardTools):
    """The link of the authorization stage and the ways back; the panel shows it."""

    panel = getters.query_one("#panel", AuthorizationPanel)
    switcher = getters.query_one("#switcher", ContentSwitcher)

    def __init__(self, login: Login, player: Player | None) -> None:
        super().__init__(login)
        self._qr: QrScreen | None = None
        self._player = player
        self._ready: AuthorizationReady | None = None
        self._playing = False
        self._played = Played("")
        self._is_silent = False
        self._noted, self._beneath_the_note = Content(), Content()

    def say(self, words: Content, *, done: bool = False) -> None:
        """Say something in the line under the stage; for those that derive from this."""

    def take_note(self, note: Content) -> None:
        """Show a note in the line under the stage, where there is no room for a toast."""
        # The note may be older than what has just happened, and the line is written anew for that.
        self.call_after_refresh(self._put_note, note)

    def _put_note(self, note: Content) -> None:
        line = self.query_one("#verdict", Static)
        if self._link_is_shown:
            self.say(note)  # every row more would be one less for the link
            return
        if line.content is not self._noted:
            self._beneath_the_note = line.content if isinstance(line.content, Content) else Content()
        self._noted = Content("\n").join([note, self._beneath_the_note])
        line.update(self._noted)

    def begin_waiting(self, ready: AuthorizationReady) -> None:
        """Take the link of a new wait: nothing was played for it and nobody was silent yet."""
        self._ready = ready
        self._played, self._is_silent = Played(""), False

    @property
    def can_play(self) -> bool:
        """Whether the demo can sign in now: there is a link that it has not signed in with."""
        return self._ready is not None and self._player is not None and not self._played.done

    def say_waiting(self) -> None:
        """Say what the person has to do, or what a browser that does not come back may be showing."""
        if self._played.page:
            self.say(turned_away_words(self._played.page))
        elif self._is_silent:
            self.say(silent_words(in_full=self.size.height >= _TALL))
        else:
            self.say(waiting_words(player=self.can_play))

    def hear_silence(self) -> None:
        """Say what a silence may mean, once it is long enough."""
        if not self._is_silent and self._login.wait.waited >= _SILENCE:
            self._is_silent = True
            self.say_waiting()

    @property
    def _environ(self) -> dict[str, str]:
        return dict(self.app.environ)

    @property
    def _link_is_shown(self) -> bool:
        return self._ready is not None and self.switcher.current == "panel"

    def action_open(self) -> None:
        """Open the link in a browser of this machine."""
        if self._ready is None:
            return
        loop = asyncio.get_running_loop()

        def failed() -> None:  # in the thread that waits for the opener, maybe long after this screen
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._no_browser)

        if open_browser(self._ready.url, self._environ, failed=failed):
            self.notify(
                "The browser was asked to open the link. If nothing appears, copy it with c.", markup=False
            )
        else:
            self._no_browser()

    def _no_browser(self) -> None:
        """Say that no browser came up, as long as the link is still wanted."""
        if self.is_running and self._ready is not None:
            self.notify(
                "No browser could be started here. Copy the link with c and open it elsewhere.",
                severity="warning",
                markup=False,
            )

    def action_play(self) -> None:
        """Let the demo sign in, over real HTTP, as a browser would."""
        if not self._playing and self.can_play:
            self._playing = True
            self._play()

    @work(group="play", description="play the person")
    async def _play(self) -> None:
        ready = self._ready
        try:
            if ready is None or self._player is None:
                return
            played = await self._player(ready.url)
            self.notify(safe_line(played.words), markup=False, title="The demo's person")
            if self._ready is ready:
                self._played = played
                self.panel.show_ways(player=self.can_play)
                if self._login.wait.waiting:
                    self.say_waiting()
                self.refresh_bindings()
        finally:
            self._playing = False

    def action_paste(self) -> None:
        """Go to the field for the address that the browser ended on."""
        self.panel.take_paste("")

    def on_paste(self, event: Paste) -> None:
        """Take what is pasted anywhere on the screen to the field that waits for it."""
        if self._link_is_shown:
            event.stop()
            self.panel.take_paste(event.text)

    @on(AuthorizationPanel.QrCodeWanted)
    def _qr_code_wanted(self, message: AuthorizationPanel.QrCodeWanted) -> None:
        self._qr = QrScreen(message.url)
        self.app.push_screen(self._qr, self._qr_code_closed)

    def _qr_code_closed(self, whole: bool | None) -> None:  # noqa: FBT001 - Textual's callback
        self._qr = None
        if whole:
            self.panel.action_alone()

    @on(AuthorizationPanel.LinkWithdrawn)
    def _link_withdrawn(self) -> None:
        if self._qr is not None:
            self._qr.finish()

    @on(AuthorizationPanel.Pasted)
    def _pasted(self, message: AuthorizationPanel.Pasted) -> None:
        if not self._login.wait.waiting:
            return
        response = self._login.paste(message.text)
        if response.code is None and response.error is None:
            self.panel.show_refused_paste(refused_words(response))
