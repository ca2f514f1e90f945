"""The settings, each applied and saved at once, and the themes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import getters, on
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_core.desk.settings import FRACTIONS, LEADS, Settings, SettingsFile
from authlens_tui.screens.dialog import Dialog, DialogBox
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.measured import Static
from authlens_tui.terminal.themes import ThemeChosen
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.key_footer import KeyFooter

_HINT: Final = "A change applies at once and is saved."


class SettingsScreen(Dialog[None]):
    """Shows the settings and changes them."""

    BINDINGS = keys("settings")

    listed = getters.query_one("#settings", OptionList)

    def __init__(self, settings: SettingsFile) -> None:
        super().__init__()
        self._settings = settings

    def body(self) -> ComposeResult:
        with DialogBox("Settings"):
            lines = _words(self._settings.present, self.app.theme)
            yield OptionList(*(Option(Content(label), id=name) for name, label in lines), id="settings")
            yield Static(Content(self._settings.problem or _HINT), id="said", classes="dialog-hint")

    def on_mount(self) -> None:
        self.listed.focus()

    def action_change(self) -> None:
        self.listed.action_select()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        present, name = self._settings.present, event.option.id
        match name:
            case "background_refresh" | "open_browser":
                self._change(**{name: not getattr(present, name)})
            case "refresh_at":
                self._change(refresh_at=_next(FRACTIONS, present.refresh_at))
            case "refresh_before":
                self._change(refresh_before=_next(LEADS, present.refresh_before))
            case "theme":
                self.app.action_change_theme()

    def _change(self, **changes: object) -> None:
        with self.telling("#said"):
            self._settings.change(**changes)
        self._show()

    def on_screen_resume(self) -> None:
        self._show()

    def _show(self) -> None:
        for number, (_, label) in enumerate(_words(self._settings.present, self.app.theme)):
            self.listed.replace_option_prompt_at_index(number, Content(label))


def _next(values: Sequence[int] | Sequence[float], present: float) -> float:
    """Return the next larger value, or the smallest after the largest."""
    return next((value for value in values if value > present), values[0])


def _words(settings: Settings, theme: str) -> tuple[tuple[str, str], ...]:
    """Return the name of each setting with the line that shows it."""
    refreshing, browser = _box(on=settings.background_refresh), _box(on=settings.open_browser)
    share = round(settings.refresh_at * 100)
    return (
        ("background_refresh", f"{refreshing} Refresh logins automatically while authlens is open"),
        ("refresh_at", f"    … at {share} % of the token's life"),
        ("refresh_before", f"    … or {settings.refresh_before} s before it expires, whichever comes first"),
        ("open_browser", f"{browser} Open the browser at once, if it is on this machine"),
        ("theme", f"    Theme: {theme}"),
    )


def _box(*, on: bool) -> str:
    return "[x]" if on else "[ ]"


class ThemeScreen(ModalScreen[None]):
    """Lists the themes, each applied under the cursor; posts `ThemeChosen` for the chosen one."""

    CSS_PATH = "settings_dialog.tcss"
    TITLE = "Theme"
    BINDINGS = keys("themes")

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
