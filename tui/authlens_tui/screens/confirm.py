"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from authlens_tui.terminal.content import Content


class ConfirmScreen(ModalScreen[bool]):
    """Asks one question; the safe answer has the focus.

    Args:
        title: what is about to happen, a few words.
        words: what it means, in plain sentences.
        yes: the word on the button that does it.
    """

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, title: str, words: str, yes: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Lay out question and buttons."""
        with Vertical(classes="modal-box"):
            yield Static(Content(self._title), classes="modal-title")
            yield Static(Content(self._words), classes="modal-words")
            with Horizontal(classes="modal-buttons"):
                yield Button(Content("No, leave it (n)"), id="no")
                yield Button(Content(f"{self._yes} (y)"), id="yes", variant="warning")

    def on_mount(self) -> None:
        """Put the focus on the answer that changes nothing."""
        self.query_one("#no", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer with the button."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - called by the key binding
        """Answer with the key."""
        self.dismiss(answer)
