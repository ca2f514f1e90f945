"""Reading the record that a screen shows, wherever the keys are: turning pages and tabs, searching."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from authlens_tui.widgets.record.record_lines import Tab
from authlens_tui.widgets.record.record_view import RecordView

__all__ = ["ReadingScreen"]


class ReadingScreen(Screen[None]):
    """A screen with a `RecordView`; its document can be read while the list of stages has the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, action, name, show=False, id=f"reading.{key}", tooltip=meaning)
            for key, action, name, meaning in (
                ("pagedown", "read_page(1)", "Read on", "Turn one page of what is shown"),
                ("pageup", "read_page(-1)", "Read back", "Turn one page back"),
                ("home", "read_end(-1)", "Beginning", "Go to the beginning of what is shown"),
                ("end", "read_end(1)", "End", "Go to the end of what is shown"),
                ("enter", "read", "Read", "Give the arrow keys to what is shown"),
                ("v", "in_record('raw')", "Raw", "Show bodies laid out, or exactly as sent"),
            )
        ),
        Binding(
            "slash",
            "in_record('search')",
            "Search",
            key_display="/",
            show=False,
            id="reading.search",
            tooltip="Search what is shown",
        ),
        *(
            Binding(
                f"{number}",
                f"in_record('turn_to', {number})",
                tab.label,
                show=False,
                id=f"reading.{tab}",
                tooltip=f"Turn to the tab {tab.label}",
            )
            for number, tab in enumerate(Tab, 1)
        ),
    ]

    @property
    def read_widget(self) -> Widget:
        """What is read now: the document of the open tab, unless something else stands in its place."""
        return self.query_one(RecordView).document

    @property
    def shows_record(self) -> bool:
        """Whether it is the record that is shown."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what the record offers."""
        if action != "in_record" or not self.is_mounted:
            return True
        return self.shows_record and self.query_one(RecordView).check_action(str(parameters[0]), ())

    def action_in_record(self, name: str, *given: int) -> None:
        """Do in the record what its own key does there."""
        getattr(self.query_one(RecordView), f"action_{name}")(*given)

    def action_read_page(self, by: int) -> None:
        """Turn a page."""
        widget = self.read_widget
        widget.action_page_down() if by > 0 else widget.action_page_up()

    def action_read_end(self, by: int) -> None:
        """Go to the beginning or the end."""
        widget = self.read_widget
        widget.action_scroll_end() if by > 0 else widget.action_scroll_home()

    def action_read(self) -> None:
        """Give the keys to what is read."""
        self.read_widget.focus()
