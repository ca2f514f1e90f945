"""The prediction before a drill: a choice among what could happen. Your own trace judges it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.widgets.key_binding import keys

if TYPE_CHECKING:
    from authlens_core.learning.desk.drills import Drill


class PredictionScreen(Dialog[str]):
    """Asks the question of a drill; ends with the letter of the option, or with None at Esc."""

    BINDINGS: ClassVar[list[BindingType]] = keys("prediction")

    def __init__(self, drill: Drill) -> None:
        super().__init__()
        self._drill = drill

    def body(self) -> ComposeResult:
        drill = self._drill
        with DialogBox(drill.title):
            yield Static(Content.styled(drill.question, "bold"), classes="dialog-words")
            yield OptionList(*map(_option, drill.options, drill.options.values()), markup=False)
            yield Static(Content("Press a letter. Your trace shows the answer."), classes="dialog-hint")

    def on_mount(self) -> None:
        menu = self.query_one(OptionList)
        menu.focus()
        # Textual selects the first option: Enter alone would be no prediction.
        menu.highlighted = None

    def action_choose(self, letter: str) -> None:
        if letter in self._drill.options:
            self.dismiss(letter)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


def _option(letter: str, words: str) -> Option:
    return Option(Content.assemble((letter, "bold"), f"  {words}"), id=letter)
