"""A finished trace, read-only: what a refresh, a revocation or a probe sent and got."""

from __future__ import annotations

from typing import ClassVar

from textual import getters, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from authlens_core.safe_text import safe_line
from authlens_core.trace.record import Trace
from authlens_tui.widgets.record_view import RecordView
from authlens_tui.widgets.title_bar import TitleBar

__all__ = ["TraceScreen"]


class TraceScreen(Screen[None]):
    """Shows the last record of a trace in the wizard's view."""

    HELP = "Everything that was sent and received. x shows or masks the secrets; Esc leads back."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d", "app.pop_screen", "Back", id="trace.back", tooltip="Back to the dashboard"),
        Binding("c", "copy", "Copy", id="trace.copy", tooltip="Copy what is shown, secrets masked"),
        Binding("x", "reveal", "Reveal", id="trace.reveal", tooltip="Show or mask the secrets"),
        Binding("right_square_bracket", "tab(1)", "Tab", key_display="]", id="trace.tab", tooltip="Next tab"),
        Binding(
            "left_square_bracket",
            "tab(-1)",
            "Tab before",
            id="trace.tab_back",
            tooltip="Tab before",
            show=False,
        ),
    ]

    record_view = getters.query_one(RecordView)

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def compose(self) -> ComposeResult:
        """Lay out the record."""
        yield TitleBar(f"{self._trace.kind.value} of {safe_line(self._trace.resource_url, 200)}")
        yield RecordView()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the record."""
        if self._trace.records:
            self.record_view.show_story(self._trace.records)
            self.record_view.show_record(self._trace.records[-1])
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Show the key that reveals only where there is something to reveal."""
        return self.record_view.has_secrets if action == "reveal" and self.is_mounted else True

    def action_reveal(self) -> None:
        """Show the secrets for a while, or mask them."""
        self.record_view.toggle_reveal()

    def action_tab(self, step: int) -> None:
        """Turn to the next tab, or the one before."""
        self.record_view.show_tab(step)

    def on_screen_suspend(self) -> None:
        """Mask what was revealed when another screen comes before this one."""
        self.record_view.mask()

    @work(exclusive=True, group="copy", description="copy")
    async def action_copy(self) -> None:
        """Copy what is shown, secrets masked."""
        copy = getattr(self.app, "copy", None)
        if callable(copy):
            await copy(self.record_view.as_text(), "What is shown")
