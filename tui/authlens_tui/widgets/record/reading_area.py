"""The keys that read a record while another part of the screen, such as the list of stages, has the focus."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Final

from textual import getters, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from authlens_tui.terminal.ordinary_screen import NoPager, read_outside
from authlens_tui.terminal.terminal_app import TerminalApp
from authlens_tui.widgets.key_binding import keys
from authlens_tui.widgets.record.record_view import RecordView

# The keys of the record that work around it, too.
_EVERYWHERE: Final = frozenset({"search", "raw", "tab", "turn_to"})


def _handed_on(key: Binding) -> Binding:
    """Return a key of the record that is handed on to it, by the same identifier."""
    name, _, arguments = key.action.rstrip(")").partition("(")
    return replace(key, action=f"in_record('{name}'{arguments and f', {arguments}'})", show=False)


_KEYS_AROUND: Final = [
    _handed_on(key)
    for key in RecordView.BINDINGS
    if isinstance(key, Binding) and key.action.partition("(")[0] in _EVERYWHERE
]


class ReadingArea(Horizontal):
    """Contains a `RecordView` and what selects its record; the reading keys work in all of it."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys("reading"), *_KEYS_AROUND]

    app = getters.app(TerminalApp)
    record_view = getters.query_one(RecordView)

    searches = True
    """False if the search key belongs to a list beside the record."""

    instead: Widget | None = None
    """The widget that replaces the record and is scrolled by the keys; None for the record."""

    @property
    def read_widget(self) -> Widget:
        """The widget that the keys scroll: the document of the open tab, or its replacement."""
        return self.instead or self.record_view.document

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "in_record" or not self.is_mounted:
            return True
        visible = self.instead is None and self.record_view.display
        if parameters[0] == "search" and not self.searches:
            return False
        return visible and self.record_view.check_action(str(parameters[0]), ())

    async def action_in_record(self, name: str, *arguments: int) -> None:
        # Through the app, so that the record's own `check_action` is asked.
        await self.app.run_action(f"{name}({', '.join(map(str, arguments))})", self.record_view)

    def action_read_page(self, by: int) -> None:
        widget = self.read_widget
        widget.action_page_down() if by > 0 else widget.action_page_up()

    def action_read_end(self, by: int) -> None:
        widget = self.read_widget
        widget.action_scroll_end() if by > 0 else widget.action_scroll_home()

    @work(exclusive=True, group="pager", description="read in a pager")
    async def open_pager(self) -> None:
        """Show the open tab in the user's own program, masked as it is copied."""
        try:
            await read_outside(self.app, await self.record_view.copied_text(), self.app.environ)
        except NoPager as error:
            self.notify(f"{error}", severity="warning", markup=False)

    def action_read(self) -> None:
        self.read_widget.focus()
