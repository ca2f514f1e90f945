"""What can be copied of an exchange, as a menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.widgets.option_list import Option

from authlens_tui.screens.dialog import ChoiceDialog
from authlens_tui.terminal.content import Content
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.record.record_messages import Copyable, CopyMenuWanted

_SHOWN = 50  # characters of a text that its entry shows


class CopyMenuScreen(ChoiceDialog[Copyable]):
    """Offers masked texts to copy, each with its start. The caller asks before it copies a secret."""

    BINDINGS: ClassVar[list[BindingType]] = keys("copy_menu")

    def __init__(self, choices: Sequence[Copyable]) -> None:
        self.choices = tuple(choices)
        shown = [(Option(_entry(copyable)), copyable) for copyable in choices]
        super().__init__("Copy", shown, words=Content(), hint="Secrets are masked.")


@on(CopyMenuWanted)
def copy_menu_wanted(node: DOMNode, message: CopyMenuWanted) -> None:
    """Show the menu and copy what is chosen: a handler for a screen or app that shows a record."""
    app = node.app
    if not isinstance(app, TerminalApp) or not message.choices:
        return

    async def copy(chosen: Copyable | None) -> None:
        if chosen is not None:
            await app.copy(chosen.text, chosen.name)

    app.push_screen(CopyMenuScreen(message.choices), copy)


def _entry(copyable: Copyable) -> Content:
    start = " ".join(copyable.text[: 4 * _SHOWN].split())
    cut = "…" if len(start) > _SHOWN else ""
    return Content.assemble(f"{copyable.name:<14}", (f"{start[:_SHOWN]}{cut}", "$quiet"))
