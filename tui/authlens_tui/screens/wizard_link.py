"""What a person can do with the link while it is shown: open it, let the demo sign in, paste the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual import getters, on, work
from textual.events import Paste
from textual.widgets import ContentSwitcher

from authlens_core.login.events import AuthorizationReady
from authlens_core.login.login import Login
from authlens_tui.browser import open_browser
from authlens_tui.screens.wizard_tools import WizardTools
from authlens_tui.widgets.authorization_panel import AuthorizationPanel

__all__ = ["Player", "WizardLink"]

Player = Callable[[str], Awaitable[str]]
"""Plays the person at the emulator: takes the link, returns what became of it in a sentence."""


class WizardLink(WizardTools):
    """The link of the authorization stage and the ways back; the panel shows it."""

    panel = getters.query_one("#panel", AuthorizationPanel)
    switcher = getters.query_one("#switcher", ContentSwitcher)

    def __init__(self, login: Login, player: Player | None) -> None:
        super().__init__(login)
        self._player = player
        self._ready: AuthorizationReady | None = None
        self._playing = False

    @property
    def _environ(self) -> dict[str, str]:
        return dict(getattr(self.app, "environ", {}))

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
        if not self._playing:
            self._playing = True
            self._play()

    @work(group="play", description="play the person")
    async def _play(self) -> None:
        try:
            if self._ready is not None and self._player is not None:
                self.notify(await self._player(self._ready.url), markup=False, title="The demo's person")
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

    @on(AuthorizationPanel.Pasted)
    def _pasted(self, message: AuthorizationPanel.Pasted) -> None:
        if not self._login.wait.waiting:
            return
        response = self._login.paste(message.text)
        if response.code is None and response.error is None:
            check = response.checks[-1]
            self.panel.show_refused_paste(f"That is not it: {check.seen}. {check.cure}")
