"""The field for the address that the browser ended on: it takes wrapped lines, and nothing too long."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.binding import BindingType
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from authlens_tui.widgets.key_binding import keys

_LONGEST: Final = 64 * 1024  # characters; an answer that is longer is not read either


class PasteField(Input):
    """The field for the address: every printable key types, and Esc gives the keys back."""

    BINDINGS: ClassVar[list[BindingType]] = keys("paste")

    class Left(Message):
        """The user wants the keys back."""

    class TooLong(Message):
        """Something was pasted that is too long for an address, and was not taken."""

        def __init__(self, characters: int) -> None:
            super().__init__()
            self.characters = characters

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Claim every key that types, so that none is offered as a command meanwhile."""
        # `+` is a key of the wizard, and is in many codes.
        return key == "plus" or super().check_consume_key(key, character)

    def action_leave(self) -> None:
        """Empty the field and give the focus back, so that single keys are commands again."""
        self.clear()
        self.post_message(self.Left())

    def take(self, text: str) -> None:
        """Put `text` where the cursor is, as one line: a terminal or a mail may have wrapped the address.

        What is too long is not cut: a part of an address would be another answer.
        """
        if len(self.value) + len(text) > _LONGEST:
            self.post_message(self.TooLong(len(text)))
            return
        # No address has a blank in it: what is there was put in by wrapping.
        joined = "".join(text.split())
        if joined:
            self.insert_text_at_cursor(joined)

    def _on_paste(self, event: Paste) -> None:
        self.take(event.text)
        event.stop()
        event.prevent_default()
