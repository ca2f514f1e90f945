"""A screen by key alone: something has the focus, a footer tells keys, and one leads out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from authlens_tui.screens.wizard.link import QrScreen
from authlens_tui.widgets.key_footer import KeyFooter
from support.waiting import PATIENCE

__all__ = ["keyboard_faults", "leaves", "says_how_to_leave"]

_LOOK: Final = 0.005  # seconds between two looks
_WAYS_OUT: Final = ("escape", "escape", "escape", "d", "b", "q")


def keyboard_faults(screen: Screen[Any]) -> list[str]:
    """Return what is wrong with a screen as it is drawn now."""
    if isinstance(screen, QrScreen):
        return []  # nothing but the code and the words beside it, which name the keys
    found = []
    focused = screen.focused
    if focused is None:
        found.append("nothing has the focus")
    elif not _seen(focused):
        found.append(f"the focus is on {focused!r}, which is not on the screen")
    footers = [one for one in screen.query(KeyFooter) if _seen(one)]
    if not footers:
        found.append("there is no footer")
    elif not footers[0].render_line(0).text.strip():
        found.append("the footer is empty")
    return found


def _seen(widget: Widget) -> bool:
    """Say whether any cell of a widget is on the screen."""
    return widget.is_on_screen and bool(widget.region.intersection(widget.screen.region).area)


async def leaves(app: App[Any], pilot: Pilot[Any]) -> bool:
    """Press what leads back or out, one key after the other; return whether the screen went."""
    screen, ended = app.screen, []
    app.exit = lambda *_, **__: ended.append(True)  # type: ignore[method-assign]
    for key in _WAYS_OUT:
        await pilot.press(key)
        await pilot.pause()
        if app.screen is not screen or ended:
            return True
    return False


async def says_how_to_leave(app: App[Any], pilot: Pilot[Any]) -> bool:
    """Press ctrl+c; return whether the answer names the keys that leave, or that what ran is stopped.

    On a busy machine the answer comes late, and goes by itself: it is looked for until it is there.
    """
    app.clear_notifications()
    await pilot.press("ctrl+c")
    said = False
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not (said := _names_a_way_out(app)):
                await asyncio.sleep(_LOOK)
    await pilot.pause()
    return said


def _names_a_way_out(app: App[Any]) -> bool:
    return any("ctrl+c again" in one.message or "to quit." in one.message for one in app._notifications)
