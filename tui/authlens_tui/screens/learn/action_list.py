"""A list of lines: each can do something at Enter, and is broken where its text goes on under itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from textual.events import Key
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from authlens_tui.terminal.content import Content
from authlens_tui.widgets.hanging_text import Item, hanging_lines
from authlens_tui.widgets.key_binding import ActionChecks, keys

SELECT_FIRST: Final = "Select a line first: ↓"


class ActionLine(NamedTuple):
    """One line.

    Attributes:
        name: what stands before the text.
        act: what Enter does; None for a line that cannot be selected.
        key: finds the line again; one of a single character selects it.
    """

    text: Content
    name: Content = Content()
    act: Callable[[], object] | None = None
    key: str = ""


class ActionList(ActionChecks, OptionList):
    """Shows lines, and runs the action of the selected one."""

    HELP = "Up and down select a line, Enter does what it says."
    BINDINGS = keys("learn/lines")

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._shown: Sequence[ActionLine] = ()

    @property
    def key(self) -> str:
        """The key of the selected line; empty where none is selected."""
        return "" if self.highlighted is None else self._shown[self.highlighted].key

    def show(self, lines: Sequence[ActionLine], selected: str | None = None, *, selects: bool = True) -> None:
        """Show other lines.

        Args:
            selected: the key of the line that is selected; that of the one before if None.
            selects: select the first line otherwise.
        """
        selected = self.key if selected is None else selected
        self._shown = lines
        self._draw()
        able = [number for number, line in enumerate(lines) if line.act]
        matches = [number for number in able if selected and lines[number].key == selected]
        self.highlighted = next(iter([*matches, *(able if selects else [])]), None)
        self.display, self.can_focus = bool(lines), bool(able)
        if self.highlighted is not None and self.highlighted == able[-1]:
            self.call_after_refresh(self.scroll_end, animate=False)  # what belongs to it is below

    def _draw(self) -> None:
        width = self.scrollable_content_region.width or self.size.width
        self.set_options(Option(_broken(line, width), disabled=line.act is None) for line in self._shown)

    def on_resize(self) -> None:
        """Break the lines for the new width; what is selected stays."""
        selected = self.highlighted
        self._draw()
        self.highlighted = selected

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        self.border_subtitle = ""

    def can_page_down(self) -> bool:
        """Leave the keys of a page to the text beside it while nothing is selected, or all is in sight."""
        return self.highlighted is not None and self.max_scroll_y > 0

    can_page_up = can_page_down

    def action_select(self) -> None:
        if self.highlighted is None:
            self.border_subtitle = SELECT_FIRST
        super().action_select()

    def on_key(self, event: Key) -> None:
        """Select the line that a letter names."""
        names = [line.key for line in self._shown]
        if len(event.key) == 1 and event.key in names:
            event.stop()
            event.prevent_default()
            self.highlighted = names.index(event.key)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if act := self._shown[event.option_index].act:
            act()


def _broken(line: ActionLine, width: int) -> Content:
    item = Item(line.text, line.name, line.name.cell_length)
    return Content("\n").join(hanging_lines(item, width) if width else [line.text])
