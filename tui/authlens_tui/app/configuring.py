"""Apply the user's configuration to the app before its first paint."""

from __future__ import annotations

from authlens_core.state.config_file import Config
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.terminal.themes import SIXTEEN


def configure(app: TerminalApp, config: Config, settings_theme: str) -> None:
    """Set the keys, and the theme of this run, else of the configuration, else of the settings."""
    app.set_keymap(config.keys)
    wanted = (app.environ.get("AUTHLENS_THEME", ""), config.theme, settings_theme)
    names = (one for name in wanted for one in (name, f"authlens-{name}"))
    found = next((name for name in names if name in app.available_themes), None)
    if found is not None and app.theme != SIXTEEN.name:
        app.theme = found
