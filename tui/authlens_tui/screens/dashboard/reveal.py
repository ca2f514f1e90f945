"""A secret in clear, for a short while, because a user asked to see it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from authlens_core.values.secret import Secret
from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys


class RevealScreen(Dialog[None]):
    """Shows one secret until it is closed, another screen or window comes, or 20 seconds are over."""

    SHOWN_FOR: ClassVar[float] = 20.0
    """Seconds until it closes automatically."""
    BINDINGS = keys("reveal")

    def __init__(self, title: str, secret: Secret) -> None:
        super().__init__()
        self._title = title
        self._secret = secret

    def body(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(Content(self._secret.reveal()), id="secret", classes="dialog-words")
            hint = f"Hidden again after {self.SHOWN_FOR:g} s. This is logged in Events."
            yield Static(Content(hint), classes="dialog-hint")
            with DialogButtons():
                yield action_button("Hide", "close")

    def on_mount(self) -> None:
        """Count the seconds, and watch whether the user still looks at this window."""
        self.set_timer(self.SHOWN_FOR, self.action_close)
        # Terminals report when their window loses the focus; then others may be looking at the screen.
        self.watch(self.app, "app_focus", self._window_focus_changed, init=False)

    def _window_focus_changed(self, focused: bool) -> None:  # noqa: FBT001 - Textual's own signature
        if not focused:
            self.action_close()

    def on_screen_suspend(self) -> None:
        self.mask()

    def mask(self) -> None:
        self.query_one("#secret", Static).update(Content(self._secret.masked))

    def action_close(self) -> None:
        # The timer may fire while another screen lies above: that one must not be closed.
        if self.is_current:
            self.dismiss(None)
