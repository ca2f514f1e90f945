"""What to do when there is no usable keyring: the person decides, before anything is earned."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from authlens_core.errors import NoSecretStore
from authlens_core.safe_text import safe_text

__all__ = ["StoreChoice", "StoreChoiceScreen"]

StoreChoice = Literal["memory", "again", "quit"]


class StoreChoiceScreen(ModalScreen[StoreChoice]):
    """Says why there is no place for secrets and offers what can be done."""

    CSS_PATH = "modal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "choose('memory')", "Memory only", id="store.memory", tooltip="Keep tokens until exit"),
        Binding("t", "choose('again')", "Try again", id="store.again", tooltip="Ask the keyring once more"),
        Binding("q,escape", "choose('quit')", "Quit", id="store.quit", tooltip="Leave authlens"),
    ]

    def __init__(self, error: NoSecretStore) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """Lay out cause, cure and choices."""
        with Vertical(classes="modal-box"):
            yield Static(Content("No place to keep secrets"), classes="modal-title")
            yield Static(
                Content(safe_text(f"{self._error.cause}\n{self._error.cure}")), classes="modal-words"
            )
            yield Static(
                Content(
                    "Memory only: everything works, and the tokens are gone when authlens ends. "
                    "Nothing is written to a file."
                ),
                classes="modal-words",
            )
            with Horizontal(classes="modal-buttons"):
                yield Button(Content("Memory only (m)"), id="memory", variant="primary")
                yield Button(Content("Try again (t)"), id="again")
                yield Button(Content("Quit (q)"), id="quit")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Choose with the button."""
        match event.button.id:
            case "memory":
                self.dismiss("memory")
            case "again":
                self.dismiss("again")
            case _:
                self.dismiss("quit")

    def action_choose(self, choice: StoreChoice) -> None:
        """Choose with the key."""
        self.dismiss(choice)
