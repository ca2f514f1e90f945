"""The frame that every dialog has: a box, buttons, keys in the footer; and the dialog that asks yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.types import CSSPathType
from textual.widgets import Button, OptionList, RadioButton
from textual.widgets.button import ButtonVariant
from textual.widgets.option_list import Option

from authlens_core.values.errors import AuthlensError
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys
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
        """Yield the `DialogBox` with its content."""
        raise NotImplementedError

    def tell(self, line: str, sentence: str, *, good: bool | None = None) -> None:
        """Show a sentence in a line of the dialog, once there is one; `good` is None for what is neither."""
        if self.is_mounted:
            widget = self.query_one(line, Static)
            widget.update(Content(sentence))
            widget.set_class(good is True, "-good")
            widget.set_class(good is False, "-bad")

    @contextmanager
    def telling(self, line: str, sign: str = "") -> Iterator[None]:
        """Show an error of the block in a line of the dialog, after `sign`."""
        try:
            yield
        except AuthlensError as error:
            self.tell(line, f"{sign}{error}", good=False)


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
    label: str,
    action: str,
    *,
    id: str = "",  # noqa: A002 - Textual's name
    variant: ButtonVariant = "default",
    compact: bool = False,
) -> Button:
    """Return a button that does what a key of the screen does; its id is the action unless given."""
    return Button(
        Content(label), id=id or action, variant=variant, action=f"screen.{action}", compact=compact
    )


class ChoiceButton(RadioButton):
    """A choice that shows by its sign, and not by its colour alone, whether it is the one."""

    def __init__(self, label: str, *, value: bool) -> None:
        super().__init__(Content(label), value)
        self.BUTTON_INNER = _sign(chosen=value)

    def watch_value(self) -> None:
        self.BUTTON_INNER = _sign(chosen=self.value)
        super().watch_value()


def _sign(*, chosen: bool) -> str:
    return "●" if chosen else "○"


class ChoiceDialog(Dialog[_Answer | None]):
    """Asks for one of several; ends with None if none was chosen.

    Args:
        choices: what is shown of each, and the answer that it is.
        text: above them; nothing if empty.
        hint: below them.
    """

    SELECTS_FIRST: ClassVar[bool] = True
    """False where Enter alone is to choose nothing."""

    listed = getters.query_one(OptionList)

    def __init__(
        self, title: str, choices: Sequence[tuple[Option, _Answer]], *, text: Content, hint: str
    ) -> None:
        super().__init__()
        self._title = title
        self._shown = [option for option, _ in choices]
        self._answers = [answer for _, answer in choices]
        self._words = text
        self._hint = hint

    def body(self) -> ComposeResult:
        with DialogBox(self._title):
            if self._words:
                yield Static(self._words, classes="dialog-words")
            yield OptionList(*self._shown, markup=False)
            yield Static(Content(self._hint), classes="dialog-hint")

    def on_mount(self) -> None:
        self.listed.focus()
        if self.SELECTS_FIRST:
            self.listed.action_first()
        else:
            self.listed.highlighted = None

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._answers[event.option_index])


class ConfirmScreen(Dialog[bool]):
    """Asks before something that cannot be undone; the safe answer has the focus."""

    BINDINGS = keys("confirm")

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__()
        self._title = title
        self._words = text
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
