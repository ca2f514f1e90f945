"""The common base of the app and the replay: themes, global keys, palette and help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import work
from textual._path import CSSPathType
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.constants import DEFAULT_THEME

from authlens_tui.terminal.focus import follow_focus, toggle_maximized
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.terminal.themes import DARK, HIGH_CONTRAST, LIGHT, SIXTEEN, theme_for, with_quiet
from authlens_tui.widgets.key_binding import keys, rooms

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.theme import Theme

    from authlens_core.desk.log_in import Trace

_SAVE_SCREEN: Final = "Save this screen as SVG, secrets masked"
_KEYS: Final[list[BindingType]] = keys("app")


def key_names() -> Mapping[str, Binding]:
    """Return every key, by its name in the user's configuration."""
    bindings = (each for room in rooms() for each in keys(room) if isinstance(each, Binding))
    return {each.id: each for each in sorted(bindings, key=lambda each: each.id or "") if each.id}


def _actions() -> type[Provider]:
    from authlens_tui.screens.palette import Actions

    return Actions


class BaseApp(TerminalApp):
    """An app in authlens's themes."""

    TITLE = "authlens"
    CSS_PATH: ClassVar[CSSPathType | None] = [Path(__file__).with_name("app.tcss")]
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {_actions}  # noqa: RUF012 - Textual declares it
    # From this many columns or rows on, a screen has the class that its styles lay it out by.
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - Textual declares it without ClassVar
        (0, "-tiny"),
        (40, "-narrow"),
        (100, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-short"), (32, "-tall")]  # noqa: RUF012 - as above
    BINDINGS = _KEYS

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._themes: dict[str, Theme] = {}
        # Textual asks for those of its own theme, which are never used: `on_load` hands over those of ours.
        self._variables: dict[str, dict[str, str]] = {DEFAULT_THEME: {}}
        super().__init__(environ)
        self._variables.clear()
        # What Textual draws in sixteen colours cannot be read on every terminal; ours says what it needs.
        for name in [name for name, theme in self.available_themes.items() if theme.ansi]:
            self.unregister_theme(name)
        for theme in (DARK, LIGHT, HIGH_CONTRAST, SIXTEEN):
            self.register_theme(theme)
        self.theme = theme_for(self.environ).name
        self._styled_with: dict[str, str] = {}

    def on_load(self) -> None:
        """Let the styles be parsed with the variables of the theme from the start."""
        self._styled_with = self.get_css_variables()
        self.stylesheet.set_variables(self._styled_with)

    def on_mount(self) -> None:
        """Let each screen be drawn in the layout for its size from its first frame on."""
        self._lay_out(self.screen)
        self.screen_change_signal.subscribe(self, self._lay_out, immediate=True)

    def _lay_out(self, screen: Screen[Any]) -> None:
        # Textual does so after the first frame, which has another layout.
        sides = zip(self.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True)
        for length, breakpoints in sides:
            fitting = max(least for least, _ in breakpoints if least <= length)
            for least, name in breakpoints:
                screen.set_class(least == fitting, name)

    def refresh_css(self, animate: bool = True) -> None:  # noqa: FBT001 - Textual's signature
        """Parse the styles again only when the theme has given the variables other values."""
        variables = self.get_css_variables()
        if variables != self._styled_with:  # parsing takes as long as the first paint
            self._styled_with = variables
            super().refresh_css(animate)

    def get_theme(self, theme_name: str) -> Theme | None:
        """Look a theme up once: Textual asks for it at every line that it draws."""
        if theme_name not in self._themes and (theme := super().get_theme(theme_name)) is not None:
            self._themes[theme_name] = theme
        return self._themes.get(theme_name)

    def get_css_variables(self) -> dict[str, str]:
        """Return the variables of the theme, made once: Textual asks three times before the first paint."""
        variables = self._variables.get(self.theme)
        if variables is None:
            variables = self._variables[self.theme] = with_quiet(super().get_css_variables())
        return dict(variables)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002
        """Offer what no key does; Textual's own would record the screen, and show another help."""
        yield SystemCommand("Theme", "Choose another theme, with a preview", self.action_change_theme)
        yield SystemCommand("Save screen", _SAVE_SCREEN, self.action_save_screen)

    def action_maximize(self) -> None:
        toggle_maximized(self.screen)

    def action_command_palette(self) -> None:
        from authlens_tui.screens.palette import Palette

        if not isinstance(self.screen, CommandPalette):  # the key works in the palette, too
            self.push_screen(Palette())

    def action_change_theme(self) -> None:
        """Show the themes beside the screen, which has the one under the cursor."""
        from authlens_tui.screens.settings_dialog import ThemeScreen

        self.push_screen(ThemeScreen())

    def on_resize(self) -> None:
        """Keep the focus in view on a smaller terminal."""
        follow_focus(self)

    def action_help(self) -> None:
        """Show the keys of the screen and the terms it uses."""
        from authlens_tui.screens.help import HelpScreen

        if not isinstance(self.screen, (HelpScreen, CommandPalette)):
            self.push_screen(HelpScreen(self.screen))

    @work(exclusive=True, group="picture", description="save a picture")
    async def action_save_screen(self) -> None:
        """Save the screen as SVG, secrets masked."""
        from authlens_tui.screens.screen_picture import tell_saved

        await tell_saved(self)


class ScreenApp(BaseApp):
    """Shows one screen, without the rest of the app: it needs no keyring.

    Args:
        make: makes the screen, once there is an app.
    """

    def __init__(self, make: Callable[[], Screen[None]], environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._make = make

    def on_mount(self) -> None:
        self.push_screen(self._make())


def replay(trace: Trace, name: str) -> ScreenApp:
    """Return an app that shows a session file, read-only; it sends nothing."""
    from authlens_tui.screens.trace.trace import TraceScreen

    return ScreenApp(lambda: TraceScreen(trace, replay=name))
