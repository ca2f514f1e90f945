"""The frame that every dialog has: a titled box, buttons in one style, and the keys in the footer below."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.types import CSSPathType
from textual.widgets import Button
from textual.widgets.button import ButtonVariant

from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_footer import KeyFooter

_Answer = TypeVar("_Answer")
DIALOG_STYLES: Final = Path(__file__).with_name("dialog.tcss")


class Dialog(ModalScreen[_Answer]):
    """A screen over another one, with a `DialogBox` and a footer."""

    CSS_PATH: ClassVar[CSSPathType | None] = DIALOG_STYLES

    def compose(self) -> ComposeResult:
        yield from self.body()
        yield KeyFooter()

    def body(self) -> ComposeResult:
        """Yield the `DialogBox` with what is in it."""
        raise NotImplementedError

    def tell(self, line: str, words: str, *, good: bool | None = None) -> None:
        """Show a sentence in a line of the dialog, once there is one; `good` is None for what is neither."""
        if self.is_mounted:
            shown = self.query_one(line, Static)
            shown.update(Content(words))
            shown.set_class(good is True, "-good")
            shown.set_class(good is False, "-bad")


class DialogBox(VerticalScroll, can_focus=False):
    """The box of a dialog, with its title in the border; `wide` for a form with columns."""

    def __init__(self, title: str, *, wide: bool = False) -> None:
        super().__init__(classes="-wide" if wide else "")
        self.border_title = Content(title)
        self._title = title

    def on_mount(self) -> None:
        self.screen.title = self._title  # the title of the screen below ends with it


class DialogButtons(Horizontal):
    """The buttons of a dialog, in one row; their keys are in the footer."""


def action_button(
    words: str,
    action: str,
    *,
    id: str = "",  # noqa: A002 - Textual's name
    variant: ButtonVariant = "default",
    compact: bool = False,
) -> Button:
    """Return a button that does what a key of the screen does; its id is the action unless given."""
    return Button(
        Content(words), id=id or action, variant=variant, action=f"screen.{action}", compact=compact
    )
