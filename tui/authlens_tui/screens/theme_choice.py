"""The themes, each applied while it is under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_tui.terminal.themes import ThemeChosen
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter


class ThemeScreen(ModalScreen[None]):
    """Lists the themes; the one that is taken is a `ThemeChosen`."""

    CSS_PATH = "theme_choice.tcss"
    TITLE = "Theme"
    BINDINGS: ClassVar[list[BindingType]] = keys("themes")

    def __init__(self) -> None:
        super().__init__()
        self._before = ""

    def compose(self) -> ComposeResult:
        self._before = self.app.theme
        names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("authlens"), name))
        listed = OptionList(*(Option(name, id=name) for name in names), markup=False)
        listed.highlighted = names.index(self._before)
        listed.border_title = "Theme"
        yield listed
        yield KeyFooter()

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is not None:
            self.app.theme = event.option.id

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        if event.option.id is not None:
            self.app.post_message(ThemeChosen(event.option.id))
        self.dismiss(None)

    def action_take(self) -> None:
        self.query_one(OptionList).action_select()

    def action_back(self) -> None:
        self.app.theme = self._before
        self.dismiss(None)
