"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Button

from authlens_tui.screens.dialog import Dialog, DialogBox, DialogButtons, action_button
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

# The question before an access token is copied: its title, its words, and the answer.
COPY_TOKEN: Final = (
    "Copy the access token?",
    "Anyone who can read the clipboard can use the resource until the token expires. The copy is logged.",
    "Copy",
)
NOT_COPIED: Final = "Nothing copied."


class ConfirmScreen(Dialog[bool]):
    """Asks one question; the safe answer has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = keys("confirm")

    def __init__(self, title: str, words: str, yes: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._yes = yes

    def body(self) -> ComposeResult:
        with DialogBox(self._title):
            yield Static(Content(self._words))
            with DialogButtons():
                yield action_button("Cancel", "dismiss(False)", id="no")
                yield action_button(self._yes, "dismiss(True)", id="yes", variant="warning")

    def on_mount(self) -> None:
        # Enter is pressed by habit: it must not confirm what cannot be undone.
        self.query_one("#no", Button).focus()
