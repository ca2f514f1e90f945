"""A secret in clear, for a short while, because a user asked to see it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from authlens_core.secret import Secret
from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons
from authlens_tui.terminal.content import Content
from authlens_tui.widgets.key_footer import KeyFooter


class RevealScreen(Dialog[None]):
    """Shows one secret until it is closed, another screen or window comes, or 20 seconds are over."""

    SHOWN_FOR: ClassVar[float] = 20.0
    """Seconds until it closes automatically."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,x,enter", "close", "Hide", key_display="esc", id="reveal.close", tooltip="Hide it again"
        ),
    ]

    def __init__(self, title: str, secret: Secret) -> None:
        super().__init__()
        self._title = title
        self._secret = secret

    def compose(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(Content(self._secret.reveal()), id="secret", classes="dialog-words")
            words = f"Hidden again after {self.SHOWN_FOR:g} s. The events say that it was shown."
            yield Static(Content(words), classes="dialog-hint")
            with DialogButtons():
                yield Button(Content("Hide"), id="close")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Count the seconds, and watch whether the user still looks at this window."""
        self.set_timer(self.SHOWN_FOR, self.action_close)
        self.watch(self.app, "app_focus", self._window_focus_changed, init=False)

    def _window_focus_changed(self, focused: bool) -> None:  # noqa: FBT001 - Textual's own signature
        if not focused:
            self.action_close()

    def on_screen_suspend(self) -> None:
        self.mask()

    def mask(self) -> None:
        self.query_one("#secret", Static).update(Content(self._secret.masked))

    def on_button_pressed(self) -> None:
        self.action_close()

    def action_close(self) -> None:
        if self.is_current:
            self.dismiss(None)
