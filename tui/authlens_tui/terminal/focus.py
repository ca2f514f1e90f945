"""Keeping the focus on something visible: otherwise no key works, and the footer shows none."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen

_LAID_OUT: Final = 0.05  # seconds from a change of size until the widgets are where they belong
_SMALL: Final = 3  # rows of a button or a field


def keep_focus_in_view(screen: Screen[Any]) -> None:
    """Scroll to what has the focus; where that is hidden, give the focus to the first widget that is not."""
    focused = screen.focused
    if focused is not None and is_displayed(focused):
        if focused.size.height <= _SMALL:  # what is taller scrolls on its own
            focused.scroll_visible(animate=False)
        return
    # A pane that another tab hides keeps the focus in Textual, and takes the keys with it.
    if screen.focus_chain:
        screen.set_focus(screen.focus_chain[0])


def follow_focus(app: App[Any]) -> None:
    if app.screen_stack:
        # The screen hears of its size after the app, and lays out a frame later.
        app.screen.set_timer(_LAID_OUT, partial(keep_focus_in_view, app.screen))


def is_displayed(node: DOMNode) -> bool:
    return all(ancestor.display for ancestor in node.ancestors_with_self)


def toggle_maximized(screen: Screen[Any]) -> None:
    """Maximize the focused widget, or the widget that it selects; or restore the layout."""
    if screen.maximized is not None:
        screen.minimize()
    elif screen.focused is not None and not screen.maximize(screen.focused):
        target = next(
            (widget for widget in screen.query("*") if widget.ALLOW_MAXIMIZE and widget.display), None
        )
        if target is not None:
            screen.maximize(target)
