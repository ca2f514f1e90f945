"""What every screen can do: show its help, move the focus by a letter, save a picture without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.command import CommandPalette

from authlens_core.errors import AuthlensError

if TYPE_CHECKING:
    from authlens_tui.app.base_app import BaseApp


def show_help(app: BaseApp) -> None:
    """Show the keys of the screen and the terms it uses."""
    from authlens_tui.screens.help import HelpScreen

    if not isinstance(app.screen, (HelpScreen, CommandPalette)):
        app.push_screen(HelpScreen(app.screen))


def jump(app: BaseApp) -> None:
    """Put a letter on each part of the screen, and move the focus to the one that is pressed."""
    from authlens_tui.screens.jump import JumpScreen, places_of

    places = places_of(app.screen)
    if places and not app.screen.is_modal:
        app.push_screen(JumpScreen(places), lambda place: None if place is None else place.go())


@work(exclusive=True, group="picture", description="save the screen")
async def save_screen(app: BaseApp) -> None:
    """Save the screen as SVG, its secrets masked."""
    from authlens_tui.app.screen_picture import save_picture

    try:
        path = await save_picture(app)
    except AuthlensError as error:
        app.notify(f"{error.cause} {error.cure}", title="Not saved", severity="warning", markup=False)
    else:
        app.notify(f"Secrets are masked.\n{path}", title="Screen saved", markup=False)
