"""The themes, each worn while it is under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_tui.widgets.key_binding import bound


class ThemeScreen(ModalScreen[str | None]):
    """Returns the name of the theme that was chosen, or None where the one before was put back."""

    CSS_PATH = "theme_choice.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        bound("themes.back", "escape", "back", "Back", "Back to the theme as it was", sign="esc"),
    ]

    def compose(self) -> ComposeResult:
        self._before = self.app.theme
        names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("authlens"), name))
        listed = OptionList(*(Option(name, id=name) for name in names), markup=False)
        listed.highlighted = names.index(self._before)
        listed.border_title, listed.border_subtitle = "Theme", "Enter takes it · esc"
        yield listed

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id is not None:
            self.app.theme = event.option.id

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)

    def action_back(self) -> None:
        self.app.theme = self._before
        self.dismiss(None)
